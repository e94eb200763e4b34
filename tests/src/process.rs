//! Processes that end when they are dropped.

use std::{
    env,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use anyhow::{Context, Result, bail};

/// A process, killed on drop.
pub struct Running {
    child: Child,
    name: String,
}

impl Running {
    /// Starts `command` and waits for the first line of its output that `wanted` makes something of.
    ///
    /// # Errors
    /// If it does not start, ends, or prints no such line within `bound`.
    pub fn start<T: Send + 'static>(
        mut command: Command,
        bound: Duration,
        mut wanted: impl FnMut(&str) -> Option<T> + Send + 'static,
    ) -> Result<(Self, T)> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| {
                format!("could not start {name}; run the tests with `cargo xtask test`")
            })?;
        let stdout = child.stdout.take().context("no output")?;
        let running = Self {
            child,
            name: name.clone(),
        };
        let (found, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            // Reads on to the end, so that the pipe never fills.
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(value) = wanted(&line) {
                    let _ = found.send(value);
                }
            }
        });
        match receiver.recv_timeout(bound) {
            Ok(value) => Ok((running, value)),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                bail!("{name} did not come up within {bound:?}")
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => bail!("{name} ended before it was up"),
        }
    }

    /// Ends it at once, as a power cut would (SIGKILL).
    ///
    /// # Errors
    /// If the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.child
            .kill()
            .with_context(|| format!("could not kill {}", self.name))?;
        self.child.wait()?;
        Ok(())
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program of this workspace, as `cargo xtask test` has built it beside the running test.
///
/// # Errors
/// If it is not there.
pub fn program(name: &str) -> Result<PathBuf> {
    let test = env::current_exe()?;
    let folder = test.ancestors().find(|folder| folder.join(name).is_file());
    folder.map(|folder| folder.join(name)).with_context(|| {
        format!("{name} is not built; run `cargo xtask test`, which builds it first")
    })
}
