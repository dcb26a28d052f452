//! Lists as downloadable files, streamed page by page: the Worker has one page in memory at a time,
//! and reads the next one when the browser has consumed the last.

use futures_util::stream;
use serde_json::Value;
use worker::worker_sys::web_sys;

use super::page::Page;
use crate::{Error, Result, internal};
use tidegate_console::export::{MAX_PAGES, MAX_RECORDS};
use tidegate_console::routes::Export;

/// A page of a list: its entries, and the cursor of the next page if there is one.
pub type ListPage<T, C> = (Vec<T>, Option<C>);

/// The name, format and columns of an exported file.
pub struct ExportFile<T> {
    /// The file name without its extension; ASCII.
    pub name: String,
    pub format: Export,
    pub columns: &'static [&'static str],
    /// The values of an entry, in the order of the columns.
    pub values: fn(&T) -> Vec<Value>,
}

/// The progress of a download.
struct Download<T, C, F> {
    file: ExportFile<T>,
    read_page: F,
    /// A page that has been read and not sent yet.
    page: Option<ListPage<T, C>>,
    /// Pages read so far.
    pages: usize,
    /// Records sent so far.
    records: usize,
    /// Whether the head of the file has been sent.
    started: bool,
    /// Why a page could not be read. Returned after everything that was read has been sent.
    failure: Option<Error>,
}

/// A list as a file to download. `read_page` reads one page: the first for `None`, then the one at
/// the cursor that the page before returned.
///
/// The first page is read before the response starts, so a rejection of it is shown as a page. If a
/// later page fails, the download fails. Not every browser reports that, so the last record of the
/// file says it too. The last record also says if a list was cut: after [`MAX_RECORDS`] records or
/// [`MAX_PAGES`] pages.
pub async fn export<T, C, F>(file: ExportFile<T>, mut read_page: F) -> Result<Page>
where
    T: 'static,
    C: 'static,
    F: AsyncFnMut(Option<C>) -> Result<ListPage<T, C>> + 'static,
{
    let first = read_page(None).await?;
    let (name, format) = (format!("{}.{}", file.name, file.format.extension()), file.format);
    let page = Some(first);
    let (pages, records, started, failure) = (1, 0, false, None);
    let download = Download { file, read_page, page, pages, records, started, failure };
    let chunks = stream::try_unfold(download, |download| async move {
        download.next_chunk().await.map_err(|error| worker::Error::RustError(error.to_string()))
    });
    let response = worker::Response::from_stream(chunks)?;
    let response: web_sys::Response = response.into();
    let stream = response.body().ok_or_else(|| internal("a stream without a body"))?;
    Ok(Page::stream(format.content_type(), stream)
        .header("Content-Disposition", format!("attachment; filename=\"{name}\"")))
}

impl<T, C, F> Download<T, C, F>
where
    F: AsyncFnMut(Option<C>) -> Result<ListPage<T, C>>,
{
    /// The next part of the file; `None` when it is complete.
    async fn next_chunk(mut self) -> Result<Option<(Vec<u8>, Self)>> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        let ExportFile { format, columns, values, name: _ } = self.file;
        let mut text = String::new();
        if !self.started {
            text.push_str(&format.head(columns));
            self.started = true;
        }
        let records_before = self.records;
        // Pages without entries are skipped: an empty chunk is never sent.
        while self.records == records_before {
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
                Some(cursor) => match (self.read_page)(Some(cursor)).await {
                    Ok(page) => {
                        self.page = Some(page);
                        self.pages += 1;
                    }
                    Err(error) => {
                        text.push_str(&format.broken_off(self.records));
                        self.failure = Some(error);
                    }
                },
            }
        }
        Ok((!text.is_empty()).then(|| (text.into_bytes(), self)))
    }
}
