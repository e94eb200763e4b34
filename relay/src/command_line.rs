//! The command line. What it says wins over the config file.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use komrade_i2p::net::PrivateOptions;
use komrade_relay::config::{Config, ConfigError, Router};
use komrade_relay::data;

/// Runs a Komrade relay: hosts the app, and carries its members' ciphertext to and from I2P.
#[derive(Debug, Parser)]
#[command(version, subcommand_precedence_over_arg = true)]
pub struct Arguments {
    /// What to do; without it, the relay runs.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Config file; `komrade-relay example-config` prints one with every key.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the join secret and the router's keys.
    #[arg(long, global = true, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Where to listen [default: 127.0.0.1:4747].
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// I2P router: `embedded` (default), `sam HOST:PORT`, or `private`, which needs --private-net.
    #[arg(long, num_args = 1..=2, value_names = ["KIND", "HOST:PORT"])]
    router: Option<Vec<String>>,
    /// Folder of router infos of a private I2P network.
    #[arg(long, value_name = "FOLDER")]
    private_net: Option<PathBuf>,
    /// The id of the private I2P network [default: 99].
    #[arg(long, value_name = "ID", requires = "private_net")]
    private_net_id: Option<u8>,
    /// Print one line of JSON instead of sentences.
    #[arg(long)]
    pub print_json: bool,
    /// How much to log about the relay itself; nothing about members is ever logged.
    #[arg(long, value_enum, default_value_t = Log::Info)]
    pub log: Log,
}

/// Everything but running.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Command {
    /// Show or replace the secret with which one joins.
    JoinSecret {
        /// Show it, or replace it with a new one.
        #[arg(value_enum)]
        action: JoinAction,
    },
    /// Print a config file with every key, its default and its meaning.
    ExampleConfig,
}

/// What to do with the join secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum JoinAction {
    /// Print it.
    Show,
    /// Replace it: everybody needs the new link when they connect the next time.
    Rotate,
}

/// How much to log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Log {
    /// Nothing.
    Off,
    /// What an operator must look at.
    Warn,
    /// The relay's own stages.
    Info,
    /// Ends of connections, without whose.
    Debug,
}

/// The command line does not fit together.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// `--router` says something unknown.
    #[error("--router is `embedded`, `sam HOST:PORT` or `private`")]
    Router,
    /// `--private-net` is missing or not wanted.
    #[error("--router private and --private-net FOLDER go together")]
    PrivateNet,
    /// There is no home folder to put the data in.
    #[error("no home folder is known; say with --data FOLDER where the relay may keep its data")]
    NoFolder,
    /// See [`ConfigError`].
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl Arguments {
    /// The config file, if any, overridden by what the command line says, and the data folder.
    pub fn config(&self) -> Result<(Config, PathBuf), UsageError> {
        let mut config = self
            .config
            .as_deref()
            .map(Config::read)
            .transpose()?
            .unwrap_or_default();
        if let Some(listen) = self.listen {
            config.listen = listen;
        }
        if let Some(router) = self.router()? {
            config.router = router;
        }
        config.validate()?;
        let data = self.data.clone().or_else(|| config.data.clone());
        let data = data
            .or_else(data::default_folder)
            .ok_or(UsageError::NoFolder)?;
        config.data = Some(data.clone());
        Ok((config, data))
    }

    fn router(&self) -> Result<Option<Router>, UsageError> {
        // Quoted, `sam HOST:PORT` is one word.
        let given = self.router.iter().flatten();
        let words: Vec<&str> = given.flat_map(|word| word.split_whitespace()).collect();
        match (words.as_slice(), &self.private_net) {
            ([], None) => Ok(None),
            (["embedded"], None) => Ok(Some(Router::Embedded { public: None })),
            (["sam", address], None) => Ok(Some(Router::Sam {
                address: (*address).to_owned(),
            })),
            (["private"], Some(folder)) => Ok(Some(Router::Private {
                folder: folder.clone(),
                net_id: self.private_net_id.unwrap_or(PrivateOptions::NET_ID),
            })),
            ([] | ["private"], _) | (["embedded"] | ["sam", _], Some(_)) => {
                Err(UsageError::PrivateNet)
            }
            _ => Err(UsageError::Router),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )]

    use super::*;

    fn parse(line: &str) -> Result<Config, String> {
        let words = std::iter::once("komrade-relay").chain(line.split_whitespace());
        let arguments = Arguments::try_parse_from(words).map_err(|error| error.to_string())?;
        Ok(arguments.config().map_err(|error| error.to_string())?.0)
    }

    #[test]
    fn each_kind_of_router_can_be_asked_for() {
        assert_eq!(parse("").unwrap().router, Router::default());
        assert_eq!(
            parse("--router embedded").unwrap().router,
            Router::default()
        );
        let sam = Router::Sam {
            address: "127.0.0.1:7656".into(),
        };
        assert_eq!(parse("--router sam 127.0.0.1:7656").unwrap().router, sam);
        let private = Router::Private {
            folder: "net".into(),
            net_id: 99,
        };
        assert_eq!(
            parse("--router private --private-net net").unwrap().router,
            private
        );
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        for line in [
            "--router",
            "--router tor",
            "--router sam",
            "--router private",
            "--private-net net",
            "--router sam a:1 --private-net net",
            "--listen nowhere",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("relay.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:1\"\ndata = \"/there\"\n").unwrap();
        let config = parse(&format!("--config {} --listen 127.0.0.1:2", file.display())).unwrap();
        assert_eq!(config.listen, ([127, 0, 0, 1], 2).into());
        assert_eq!(config.data, Some("/there".into()));
    }

    #[test]
    fn a_router_may_be_one_quoted_word() {
        let line = ["komrade-relay", "--router", "sam 127.0.0.1:7656"];
        let config = Arguments::try_parse_from(line).unwrap().config().unwrap().0;
        assert!(matches!(config.router, Router::Sam { address } if address == "127.0.0.1:7656"));
    }

    #[test]
    fn a_router_of_ones_own_is_named_with_its_port() {
        for address in ["nohost", ":7656", "host:", "host:0", "host:70000"] {
            let line = ["komrade-relay", "--router", "sam", address];
            let arguments = Arguments::try_parse_from(line).unwrap();
            let error = arguments.config().err().unwrap().to_string();
            assert!(error.contains("127.0.0.1:7656"), "{address}: {error}");
        }
    }

    #[test]
    fn a_command_may_follow_the_router() {
        let line = [
            "komrade-relay",
            "--router",
            "embedded",
            "join-secret",
            "rotate",
        ];
        let arguments = Arguments::try_parse_from(line).unwrap();
        assert!(matches!(
            arguments.command,
            Some(Command::JoinSecret {
                action: JoinAction::Rotate
            })
        ));
    }
}
