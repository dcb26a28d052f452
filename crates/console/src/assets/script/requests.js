// htmx's requests: no polling while the page is hidden; a failed request loses no typed text.
{
  const { find, all, on, clicks, toast } = tidegate

  let ended = false
  let missed = false
  on('htmx:beforeRequest', event => {
    if (!event.target.matches('[data-poll]') || !(document.hidden || ended)) return
    event.preventDefault()
    missed = true
  })
  const catchUp = () => {
    if (!missed || document.hidden || ended) return
    missed = false
    htmx.trigger(document.body, 'tidegate:visible')
  }
  on('visibilitychange', catchUp)

  // The end of the session
  on('tidegate:session-ended', () => {
    ended = true
    const dialog = find('#session-ended')
    if (dialog && !dialog.open) dialog.showModal()
  })
  on('htmx:beforeOnLoad', event => {
    const { xhr } = event.detail
    if (xhr.status !== 401 && !xhr.getResponseHeader('X-Session-Expired')) return
    event.preventDefault()
    htmx.trigger(document.body, 'tidegate:session-ended')
  })
  // A new session has a new CSRF token, which replaces the old one in all forms of the page.
  clicks('[data-resume]', async button => {
    const note = find('[data-resume-note]')
    let csrf = null
    try {
      const response = await fetch(button.dataset.resume, { cache: 'no-store', headers: { 'HX-Request': 'true' } })
      if (response.ok) ({ csrf } = await response.json())
      note.textContent = csrf ? '' : response.status === 401 ? 'You are not signed in yet.' : 'The server could not answer.'
    } catch {
      note.textContent = 'No connection to the server.'
    }
    if (!csrf) return
    document.body.setAttribute('hx-headers', JSON.stringify({ 'X-CSRF-Token': csrf }))
    for (const field of all('input[name=csrf]')) field.value = csrf
    ended = false
    missed = true
    button.closest('dialog').close()
    htmx.trigger(document.body, 'tidegate:resumed')
    catchUp()
  })

  // Failures: a toast that offers a retry.
  let problem = null
  const failed = (event, text) => {
    const { elt, requestConfig } = event.detail
    problem?.remove()
    const run = () => elt.matches('form')
      ? elt.requestSubmit()
      : htmx.ajax(requestConfig.verb, requestConfig.path, { source: elt })
    problem = toast('bad', text, { label: 'Try again', run })
  }
  on('htmx:responseError', event => {
    const { status } = event.detail.xhr
    failed(event, status < 500 ? `The server refused this (${status}).` : 'The server could not answer.')
  })
  on('htmx:sendError', event => failed(event, 'No connection to the server.'))
  on('htmx:timeout', event => failed(event, 'The server took too long.'))
  on('htmx:afterRequest', ({ detail }) => {
    if (!detail.successful || detail.xhr.status === 401) return
    problem?.remove()
    if (!find('#session-ended')?.open) ended = false
  })
}
