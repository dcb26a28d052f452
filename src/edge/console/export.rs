//! Lists as files, streamed page by page: the Worker holds one page at a time, and reads the next
//! one when the browser has taken the last.

use futures_util::stream;
use serde_json::Value;
use worker::worker_sys::web_sys;

use super::page::Page;
use crate::api::console_routes::Export;
use crate::console::export::{MAX_PAGES, MAX_RECORDS};
use crate::domain::rejection::Rejection;
use crate::edge::{Result, internal};

/// A page of a list: its entries, and where the next one goes on.
pub type ListPage<T, C> = (Vec<T>, Option<C>);

/// What a file is made of.
pub struct Exported<T> {
    /// The file's name without its ending; ASCII.
    pub name: String,
    pub format: Export,
    pub columns: &'static [&'static str],
    /// The values of an entry, in the order of the columns.
    pub values: fn(&T) -> Vec<Value>,
}

/// Where a file that is being sent stands.
struct Sending<T, C, F> {
    file: Exported<T>,
    next: F,
    /// The page that was read and not sent yet.
    page: Option<ListPage<T, C>>,
    pages: usize,
    records: usize,
    begun: bool,
    /// Why a page could not be read; told once what was read is sent.
    failed: Option<Rejection>,
}

/// A list as a file to save. `next` reads a page: the first for `None`, then the one that goes on
/// where the page before said. The first is read before anything is answered, so that what is
/// refused is refused by a page; where a later one fails the download fails too, and as not every
/// browser tells, the file's last record says so. So it does where a list of more than
/// [`MAX_RECORDS`] is cut.
pub async fn export<T, C, F>(file: Exported<T>, mut next: F) -> Result<Page>
where
    T: 'static,
    C: 'static,
    F: AsyncFnMut(Option<C>) -> Result<ListPage<T, C>> + 'static,
{
    let first = next(None).await?;
    let (name, format) = (format!("{}.{}", file.name, file.format.extension()), file.format);
    let page = Some(first);
    let sending = Sending { file, next, page, pages: 1, records: 0, begun: false, failed: None };
    let chunks = stream::try_unfold(sending, |sending| async move {
        sending.chunk().await.map_err(|rejection| worker::Error::RustError(rejection.detail))
    });
    let response = worker::Response::from_stream(chunks)?;
    let response: web_sys::Response = response.into();
    let stream = response.body().ok_or_else(|| internal("a stream without a body"))?;
    Ok(Page::stream(format.content_type(), stream)
        .header("Content-Disposition", format!("attachment; filename=\"{name}\"")))
}

impl<T, C, F> Sending<T, C, F>
where
    F: AsyncFnMut(Option<C>) -> Result<ListPage<T, C>>,
{
    /// The next part of the file; `None` when it is whole.
    async fn chunk(mut self) -> Result<Option<(Vec<u8>, Self)>> {
        if let Some(rejection) = self.failed {
            return Err(rejection);
        }
        let Exported { format, columns, values, name: _ } = self.file;
        let mut text = String::new();
        if !self.begun {
            text.push_str(&format.head(columns));
            self.begun = true;
        }
        let sent = self.records;
        // A page without entries is no reason to wake the browser.
        while self.records == sent {
            let Some((entries, cursor)) = self.page.take() else { break };
            let room = MAX_RECORDS - self.records;
            for entry in entries.iter().take(room) {
                text.push_str(&format.record(columns, values(entry)));
                self.records += 1;
            }
            match cursor {
                _ if entries.len() > room => text.push_str(&format.cut(self.records)),
                None => {}
                Some(_) if self.pages == MAX_PAGES => text.push_str(&format.cut(self.records)),
                Some(cursor) => match (self.next)(Some(cursor)).await {
                    Ok(page) => {
                        self.page = Some(page);
                        self.pages += 1;
                    }
                    Err(rejection) => {
                        text.push_str(&format.broken_off(self.records));
                        self.failed = Some(rejection);
                    }
                },
            }
        }
        Ok((!text.is_empty()).then(|| (text.into_bytes(), self)))
    }
}
