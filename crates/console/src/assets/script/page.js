// The console's script. Every page works without it, except for live updates. The data attributes
// that it reads are rendered and documented in src/console/components/. Its files are served as
// one, in the order given in src/console/assets.rs.
'use strict'

const tidegate = (() => {
  const doc = document
  const find = (selector, root = doc) => root.querySelector(selector)
  const all = (selector, root = doc) => [...root.querySelectorAll(selector)]
  const on = (type, listener, capture = false) => doc.addEventListener(type, listener, capture)
  // Runs `prepare` for the page, and again for everything that htmx loads into it.
  const start = prepare => {
    prepare(doc)
    on('htmx:load', event => prepare(event.detail.elt.parentElement ?? doc))
  }
  // Calls `listener` with the nearest clicked element that matches, unless it is disabled.
  const clicks = (selector, listener) => on('click', event => {
    const hit = event.target.closest(selector)
    if (hit && hit.ariaDisabled !== 'true') listener(hit, event)
  })
  const make = (name, properties) => Object.assign(doc.createElement(name), properties)
  const plural = (count, word) => `${count} ${word}${count === 1 ? '' : 's'}`

  // Announcements and toasts. Behind an open modal nothing is read out or clickable, so the modal
  // gets regions of its own.
  const region = id => {
    const page = find(`#${id}`)
    const dialog = all('dialog:modal').at(-1)
    if (!dialog || !page) return page
    const existing = find(`[data-region=${id}]`, dialog)
    if (existing) return existing
    const copy = page.cloneNode(false)
    copy.removeAttribute('id')
    copy.dataset.region = id
    dialog.append(copy)
    return copy
  }
  const announce = text => {
    const place = region('announcer')
    if (place) setTimeout(() => { place.textContent = text }, 50)
  }
  // A toast with an action stays until it is dismissed.
  const toast = (kind, text, action) => {
    const box = make('div', { className: `toast ${kind}` })
    box.append(make('span', { textContent: text }))
    const button = (label, run) => box.append(make('button', {
      type: 'button', textContent: label, onclick: () => { box.remove(); run?.() }
    }))
    if (action) button(action.label, action.run)
    button('Dismiss')
    region('toasts')?.append(box)
    if (!action) fade(box)
    return box
  }
  const fade = box => setTimeout(() => box.matches(':hover, :focus-within') ? fade(box) : box.remove(), 7000)
  start(root => all('[data-toast]', root).forEach(fade))
  on('tidegate:toast', ({ detail }) => toast(detail.kind ?? 'info', detail.text))

  // Times
  const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')
  const two = number => String(number).padStart(2, '0')
  const local = (at, style) => {
    const day = `${at.getDate()} ${MONTHS[at.getMonth()]}`
    const clock = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':')
    return { date: `${day} ${at.getFullYear()}`, short: `${day}, ${clock}`, full: `${day} ${at.getFullYear()}, ${clock}` }[style]
  }
  // Uses the same words as `relative` in components/time.rs.
  const relative = at => {
    const distance = (Date.now() - at) / 1000
    const size = Math.abs(distance)
    if (size < 10) return 'just now'
    const [unit, name] = size < 60 ? [1, 's'] : size < 3600 ? [60, 'min'] : size < 86400 ? [3600, 'h'] : [86400, 'day']
    const count = Math.floor(size / unit)
    const amount = name === 'day' ? plural(count, name) : `${count} ${name}`
    return distance < 0 ? `in ${amount}` : `${amount} ago`
  }
  const times = root => {
    for (const each of all('time[data-local]', root)) each.textContent = local(new Date(each.dateTime), each.dataset.local)
    for (const each of all('time[data-relative]', root)) each.textContent = relative(new Date(each.dateTime))
  }
  start(times)
  setInterval(() => doc.hidden || times(doc), 30000)

  // Copying
  clicks('[data-copy], [data-copy-value]', async button => {
    const text = button.dataset.copyValue ?? find(button.dataset.copy)?.textContent ?? ''
    try {
      await navigator.clipboard.writeText(text)
    } catch {
      const area = make('textarea', { value: text })
      button.after(area)
      area.select()
      doc.execCommand('copy')
      area.remove()
      button.focus()
    }
    button.classList.add('copied')
    announce('Copied')
    setTimeout(() => { button.classList.remove('copied'); announce('') }, 2000)
  })

  // Theme: shown at once, stored by the server.
  on('submit', event => {
    const form = event.target
    if (!form.matches('[data-themes]')) return
    event.preventDefault()
    const { value } = event.submitter
    if (value === 'system') delete doc.documentElement.dataset.theme
    else doc.documentElement.dataset.theme = value
    for (const each of all('[data-themes] button')) each.ariaPressed = String(each.value === value)
    const body = new URLSearchParams(new FormData(form, event.submitter))
    fetch(form.action, { method: 'POST', body, redirect: 'manual', headers: { 'HX-Request': 'true' } }).catch(() => {})
  })

  // Menus close on Escape and on a click elsewhere.
  const menus = () => all('details.menu[open], details.user-menu[open]')
  on('click', event => { for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false })

  // Keyboard: g, then o, clicks the element with data-shortcut="g o".
  let gPressedAt = 0
  clicks('[data-shortcuts]', () => find('#shortcuts').showModal())
  clicks('[data-dismiss]', button => button.closest('dialog').close())
  on('keydown', event => {
    const { target, key } = event
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
    if (key === 'Escape') for (const menu of menus()) { menu.open = false; find('summary', menu).focus() }
    if (target.matches('input, textarea, select, [contenteditable]') || find('dialog:modal')) return
    const afterG = Date.now() - gPressedAt < 1500
    gPressedAt = key === 'g' && !afterG ? Date.now() : 0
    if (key === '?') find('#shortcuts')?.showModal()
    else if (key === '/') {
      if (find('.top-bar')?.checkVisibility()) find('details.menu').open = true
      all('[data-global-search]').find(field => field.checkVisibility())?.focus()
    } else {
      const link = find(`[data-shortcut="${CSS.escape(afterG ? `g ${key}` : key)}"]`)
      if (!link) return
      link.click()
    }
    event.preventDefault()
  })

  return { find, all, on, start, clicks, make, plural, announce, toast, times, leaving: false }
})()
