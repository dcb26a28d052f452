//! The settings and secrets of a deployment.

use std::cell::OnceCell;
use std::rc::Rc;

use worker::Env;

use crate::{Result, internal};
use tidegate_core::domain::access_jwt::AccessTeam;
use tidegate_core::domain::credential::TagKeys;
use tidegate_core::domain::sealing::SealingKeys;

/// The settings and secrets of a deployment.
#[derive(Debug)]
pub struct Settings {
    pub tag_keys: TagKeys,
    pub sealing_keys: SealingKeys,
    /// The token that the set-up of the first workspace asks for.
    pub setup_token: Option<String>,
    /// The hostnames of the API and of the console. If one is not set, any host serves its paths.
    pub api_host: Option<String>,
    pub console_host: Option<String>,
    /// The origin in the webhook URLs of keys; the request's own if not set.
    pub public_api_url: Option<String>,
    /// The origin of the console in links that people share; the request's own if not set.
    pub public_console_url: Option<String>,
    /// The name and the contact address of the company that runs this deployment.
    pub company: String,
    pub contact_email: Option<String>,
    /// Single sign-on with Cloudflare Access: the team's domain and the application's audience.
    pub access: Option<AccessTeam>,
    /// Whether a request may ask for a fault by header. Tests only.
    pub fault_injection: bool,
}

impl Settings {
    fn read(env: &Env) -> Result<Self> {
        let text = |name: &str| {
            env.var(name).ok().map(|value| value.to_string()).filter(|value| !value.is_empty())
        };
        let origin = |name: &str| text(name).map(|url| url.trim_end_matches('/').to_owned());
        let public_api_url = origin("PUBLIC_API_URL");
        let public_console_url = origin("PUBLIC_CONSOLE_URL");
        Ok(Self {
            tag_keys: text("TAG_KEYS")
                .and_then(|list| TagKeys::parse(&list))
                .ok_or_else(|| internal("The secret TAG_KEYS is missing or malformed."))?,
            sealing_keys: text("SEALING_KEYS")
                .and_then(|list| SealingKeys::parse(&list))
                .ok_or_else(|| internal("The secret SEALING_KEYS is missing or malformed."))?,
            setup_token: text("SETUP_TOKEN"),
            api_host: public_api_url.as_deref().and_then(host),
            console_host: public_console_url.as_deref().and_then(host),
            public_api_url,
            public_console_url,
            company: text("COMPANY_SHORT_NAME").unwrap_or_else(|| "Tidegate".to_owned()),
            contact_email: text("CONTACT_EMAIL"),
            access: text("ACCESS_TEAM_DOMAIN")
                .zip(text("ACCESS_AUDIENCE"))
                .and_then(|(domain, audience)| AccessTeam::new(&domain, &audience)),
            fault_injection: text("FAULT_INJECTION").as_deref() == Some("on"),
        })
    }
}

fn host(url: &str) -> Option<String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().map(str::to_lowercase).filter(|host| !host.is_empty())
}

thread_local! {
    static SETTINGS: OnceCell<Rc<Settings>> = const { OnceCell::new() };
}

/// The deployment's settings, read once per isolate.
pub fn settings(env: &Env) -> Result<Rc<Settings>> {
    SETTINGS.with(|cell| match cell.get() {
        Some(settings) => Ok(Rc::clone(settings)),
        None => {
            let settings = Rc::new(Settings::read(env)?);
            Ok(Rc::clone(cell.get_or_init(|| settings)))
        }
    })
}
