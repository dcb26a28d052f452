// Modals and drawers. The server renders them open in #layer, with links that close them. This
// script makes them modal, and closes them by uncovering the page behind instead of loading it.
{
  const { find, on, start, clicks, make } = tidegate
  const layer = find('#layer') ?? make('div')
  const here = () => location.pathname + location.search
  const open = () => find('dialog[data-layer]', layer)

  // The URL of the page behind, the URL in the address bar, the number of history entries between
  // the two, and the element that had focus before the layer opened.
  let base = open()?.dataset.closeHref ?? here()
  let shown = here()
  let pushed = 0
  let opener = null
  let inLayer = false

  const mayLeave = dialog => {
    const question = dialog.dataset.reveal ??
      (find('form[data-guard][data-dirty]', dialog) && 'Close this and lose what you typed?')
    return !question || confirm(question)
  }
  const uncover = () => {
    layer.replaceChildren()
    shown = base
    pushed = 0
    const target = opener?.isConnected ? opener : opener?.id && find(`#${CSS.escape(opener.id)}`)
    ;(target || find('#main')).focus({ preventScroll: true })
    opener = null
    layer.dispatchEvent(new Event('tidegate:uncovered', { bubbles: true }))
  }
  const close = (dialog, saved) => {
    if (!saved && !mayLeave(dialog)) return
    if (dialog.dataset.closeBy === 'loading') {
      tidegate.leaving = true
      return location.replace(saved || dialog.dataset.closeHref)
    }
    const [covered, entries] = [shown !== base, pushed]
    uncover()
    if (covered) entries ? history.go(-entries) : history.pushState({ htmx: true }, '', base)
  }

  // htmx focuses the element with autofocus before `start` sees the layer, so the opener is noted
  // in htmx:beforeSwap.
  const remember = dialog => {
    const { activeElement } = document
    if (activeElement !== document.body && !dialog?.contains(activeElement)) opener ??= activeElement
  }
  on('htmx:beforeSwap', event => { if (event.target === layer && !open()) remember() })
  start(() => {
    const dialog = open()
    if (!dialog || dialog.matches(':modal')) return
    remember(dialog)
    dialog.removeAttribute('open')
    dialog.showModal()
    find('[data-error-summary], [aria-invalid]', dialog)?.focus()
  })
  clicks('dialog[data-layer] [data-close]', (link, event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return
    event.preventDefault()
    close(link.closest('dialog'), link.dataset.close === 'saved' && link.href)
  })
  on('cancel', event => {
    if (!event.target.matches('dialog[data-layer]')) return
    event.preventDefault()
    close(event.target)
  }, true)
  // On a second Escape browsers close a dialog even if the page prevents it.
  on('close', event => {
    if (!event.target.matches('dialog[data-layer]') || !event.target.isConnected) return
    event.target.showModal()
    close(event.target)
  }, true)

  // A click outside of a dialog closes it, if the press also began outside.
  let pressed = null
  on('pointerdown', event => { pressed = event.target })
  on('click', event => {
    const { target, clientX: x, clientY: y } = event
    if (!target.matches('dialog:modal') || target !== pressed || !event.detail) return
    const box = target.getBoundingClientRect()
    if (x >= box.left && x <= box.right && y >= box.top && y <= box.bottom) return
    if (target.matches('[data-layer]')) close(target)
    else if (target.id !== 'session-ended') target.close()
  })

  on('htmx:beforeHistoryUpdate', event => { inLayer = layer.contains(event.detail.target) })
  on('htmx:pushedIntoHistory', () => {
    shown = here()
    if (inLayer) pushed += 1
    else [base, pushed] = [shown, 0]
  })
  on('htmx:replacedInHistory', () => {
    shown = here()
    if (!inLayer) base = shown
  })
  // Back to the page behind uncovers it; any other page is loaded. htmx would load all of them.
  addEventListener('popstate', event => {
    event.stopImmediatePropagation()
    const dialog = open()
    // The layer that reveals a new key has the URL of the page behind, one history entry later.
    const covers = dialog && here() === base && (shown !== base || pushed)
    if (!covers) return here() === shown || location.reload()
    if (!mayLeave(dialog)) return history.pushState({ htmx: true }, '', shown)
    if (dialog.dataset.closeBy !== 'loading') return uncover()
    tidegate.leaving = true
    location.reload()
  }, true)
}
