//! What can befall the page's worker, by the browser's own debugger.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::Browser;

impl Browser {
    /// Sends commands of the debugger to the page's worker. Their answers are not waited for: what they do shows on the page.
    ///
    /// # Errors
    /// If there is no worker.
    pub async fn order_worker(&self, commands: &[(&str, Value)]) -> Result<()> {
        let cdp = self.web().cdp();
        // The worker is a target of its own.
        let targets = cdp.send_raw("Target.getTargets", json!({})).await?;
        let text =
            |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let worker = targets
            .get("targetInfos")
            .and_then(Value::as_array)
            .and_then(|all| {
                all.iter()
                    .find(|target| text(target, "type").as_deref() == Some("worker"))
            })
            .and_then(|target| text(target, "targetId"))
            .with_context(|| format!("no worker among {targets}"))?;
        let attached = cdp
            .send_raw("Target.attachToTarget", json!({ "targetId": worker }))
            .await?;
        for (id, (method, params)) in commands.iter().enumerate() {
            let message = json!({ "id": id, "method": method, "params": params });
            let order =
                json!({ "sessionId": attached.get("sessionId"), "message": message.to_string() });
            cdp.send_raw("Target.sendMessageToTarget", order).await?;
        }
        Ok(())
    }

    /// Has the browser not load what matches any of these patterns.
    ///
    /// # Errors
    /// If the browser does not.
    pub async fn block(&self, patterns: &[&str]) -> Result<()> {
        let cdp = self.web().cdp();
        cdp.send_raw("Network.enable", json!({})).await?;
        cdp.send_raw("Network.setBlockedURLs", json!({ "urls": patterns }))
            .await?;
        Ok(())
    }
}
