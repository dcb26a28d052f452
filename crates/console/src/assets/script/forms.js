// Forms: sent only once, guarded against the loss of typed text, filled in by presets.
{
  const { find, all, on, start, clicks, make } = tidegate

  // While a form is being sent, its button shows the busy label, stays focused and sends nothing.
  const sending = (form, button) => {
    form.toggleAttribute('data-sending', true)
    if (!button) return
    const label = find('.label', button)
    if (label && button.dataset.busy) {
      button.style.minWidth = `${button.offsetWidth}px`
      button.idle = label.textContent
      label.textContent = button.dataset.busy
    }
    button.ariaBusy = button.ariaDisabled = 'true'
  }
  const restore = form => {
    form.removeAttribute('data-sending')
    for (const button of all('[aria-busy]', form)) {
      if (button.idle) find('.label', button).textContent = button.idle
      button.ariaBusy = button.ariaDisabled = null
    }
  }
  on('submit', event => {
    if (!event.target.matches('[data-sending]')) return
    event.preventDefault()
    event.stopImmediatePropagation()
  }, true)
  on('submit', event => {
    const form = event.target
    const byHtmx = form.matches('[hx-post]')
    if (form.method !== 'post' || (event.defaultPrevented && !byHtmx)) return
    if (!byHtmx) tidegate.leaving = true
    sending(form, event.submitter)
  })
  on('htmx:afterRequest', ({ target, detail }) => {
    if (!target.matches('form')) return
    restore(target)
    if (detail.successful && detail.xhr.status < 400) target.removeAttribute('data-dirty')
  })
  addEventListener('pageshow', event => {
    if (!event.persisted) return
    tidegate.leaving = false
    all('form[data-sending]').forEach(restore)
  })
  addEventListener('beforeunload', event => {
    if (!tidegate.leaving && find('form[data-guard][data-dirty], [data-reveal]')) event.preventDefault()
  })

  // A preset fills the fields that nobody has edited.
  const named = (form, name) => all(`[name="${CSS.escape(name)}"]:not([type=hidden])`, form)
  const ticked = (control, value) => Array.isArray(value) ? value.includes(control.value) : !!value
  const hasValue = (control, value) =>
    control.type === 'checkbox' ? control.checked === ticked(control, value) : control.value === String(value)
  const fields = card => Object.entries(JSON.parse(card.dataset.preset)).map(([name, value]) => [named(card.form, name), value])
  const fill = card => {
    for (const [controls, value] of fields(card)) {
      if (controls.some(control => control.edited)) continue
      for (const control of controls) {
        if (control.type === 'checkbox') control.checked = ticked(control, value)
        else control.value = value
      }
    }
  }

  // While any value of its condition is chosen, a lock ticks its box and disables it. A disabled
  // box sends no value, so a hidden field does.
  const lock = form => {
    for (const box of all('input[data-lock-when]', form)) {
      const locked = JSON.parse(box.dataset.lockWhen).some(([name, value]) =>
        named(form, name).some(control => control.value === value && (control.type !== 'radio' || control.checked)))
      const place = box.parentElement
      find('[data-locked-value]', place)?.remove()
      if (locked) {
        box.checked = true
        const value = make('input', { type: 'hidden', name: box.name, value: box.value })
        value.dataset.lockedValue = ''
        box.after(value)
      }
      box.disabled = locked
      for (const reason of all('[data-lock-reason]', place)) reason.hidden = !locked
    }
  }
  on('input', ({ target }) => {
    const { form } = target
    if (!form) return
    form.toggleAttribute('data-dirty', true)
    if (target.dataset.preset) fill(target)
    else target.edited = true
    lock(form)
  })
  clicks('[data-fill]', button => {
    const field = find(`#${CSS.escape(button.dataset.fill)}`)
    field.value = button.dataset.value
    field.dispatchEvent(new Event('input', { bubbles: true }))
    field.focus()
  })

  // A datetime-local field with data-utc shows local time and is sent in UTC.
  const minutes = at => at.toISOString().slice(0, 16)
  start(root => {
    for (const card of all('input[data-preset]:checked', root)) {
      for (const [controls, value] of fields(card)) for (const each of controls) each.edited = !hasValue(each, value)
    }
    for (const box of all('input[data-lock-when]', root)) lock(box.form)
    for (const field of all('input[data-utc]', root)) {
      if (field.value && !field.localised) {
        const at = new Date(`${field.value}Z`)
        field.value = minutes(new Date(at - at.getTimezoneOffset() * 60000))
      }
      field.localised = true
    }
  })
  on('formdata', event => {
    for (const field of all('input[data-utc]', event.target)) {
      if (field.value && field.name) event.formData.set(field.name, minutes(new Date(field.value)))
    }
  }, true)
}
