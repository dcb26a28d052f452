// The live tail: a WebSocket for each [data-tail-url]. It says which requests were logged; their rows
// are fetched and inserted before those in [data-tail-rows] of the same layer or page.
{
  const { find, all, on, start, clicks, make, plural, announce, times } = tidegate
  const TEXTS = { connecting: 'Connecting…', live: 'Live', paused: 'Paused', reconnecting: 'Reconnecting…', off: 'Not live' }
  const WAITS = [1, 2, 5, 10]
  const ROWS = 200
  // How long requests are gathered before their rows are fetched, in milliseconds.
  const GATHER = 200
  // Close codes of the server: the time limit of a connection; the end of the session.
  const TIME_LIMIT = 4000
  const SIGNED_OUT = 4001
  const tails = new Set()
  const timeOf = row => row && find('time', row)?.dateTime
  const sweep = () => { for (const tail of tails) if (!tail.place.isConnected) tail.end() }

  class Tail {
    tries = 0
    fresh = 0
    announcedAt = 0
    // The requests that the socket has told of and whose rows are yet to be fetched: id → time.
    told = new Map()

    constructor(place) {
      this.place = place
      tails.add(this)
      this.beat = setInterval(() => {
        sweep()
        if (this.socket?.readyState === WebSocket.OPEN) this.socket.send('ping')
      }, 25000)
      if (place.matches('[data-tail-paused]')) this.show('paused')
      else this.connect()
    }

    get rows() {
      return find('[data-tail-rows]', this.place.closest('dialog') ?? document)
    }

    show(state, text = TEXTS[state]) {
      this.place.dataset.state = state
      const label = find('.live-text', this.place)
      if (label.textContent !== text) label.textContent = text
      const toggle = find('[data-tail-toggle]', this.place)
      toggle.hidden = state === 'off'
      toggle.title = state === 'paused' ? 'Resume live updates' : 'Pause live updates'
      find('.visually-hidden', toggle).textContent = toggle.title
    }

    connect() {
      this.show(this.tries ? 'reconnecting' : 'connecting')
      const url = new URL(this.place.dataset.tailUrl, location)
      url.protocol = url.protocol.replace('http', 'ws')
      const socket = this.socket = new WebSocket(url)
      socket.onopen = () => {
        this.tries = 0
        this.show('live')
        this.catchUp()
      }
      socket.onmessage = event => { if (event.data !== 'pong') this.take(JSON.parse(event.data)) }
      socket.onclose = ({ code }) => {
        if (socket !== this.socket) return
        this.socket = null
        if (code === TIME_LIMIT) return this.show('paused', 'Paused to save energy')
        if (code === SIGNED_OUT) {
          this.show('off')
          return htmx.trigger(document.body, 'tidegate:session-ended')
        }
        this.show('reconnecting')
        this.timer = setTimeout(() => this.place.isConnected && this.connect(), WAITS[Math.min(this.tries++, 3)] * 1000)
      }
    }

    stop() {
      clearTimeout(this.timer)
      clearTimeout(this.gathering)
      this.gathering = null
      this.told.clear()
      const { socket } = this
      this.socket = null
      socket?.close()
    }

    end() {
      this.stop()
      clearInterval(this.beat)
      tails.delete(this)
    }

    toggle() {
      this.tries = 0
      if (this.place.dataset.state === 'paused') return this.connect()
      this.stop()
      this.show('paused')
    }

    // Disconnects when the page has been hidden for a minute, and reconnects when it is shown.
    hide(hidden) {
      clearTimeout(this.nap)
      if (hidden) {
        this.nap = setTimeout(() => {
          this.asleep = !!this.socket
          this.stop()
        }, 60000)
      } else if (this.asleep) {
        this.asleep = false
        this.connect()
      }
    }

    // One fetch for the requests of a burst. A row that counts further requests is told again, so it
    // may be shown already, and be older than the newest one shown.
    take({ type, request }) {
      if (type !== 'request' || !this.rows) return
      this.told.set(request.id, request.received_at)
      this.gathering ??= setTimeout(() => this.fetchTold(), GATHER)
    }

    async fetchTold() {
      const { told } = this
      this.told = new Map()
      const isLoaded = await this.fetchRows([...told.values()].sort()[0], told)
      // What could not be loaded comes with the next request or connection.
      if (!isLoaded) this.told = new Map([...told, ...this.told])
      this.gathering = isLoaded && this.told.size ? setTimeout(() => this.fetchTold(), GATHER) : null
    }

    // Loads the rows since the newest one shown, because some may have been logged before the
    // socket was open.
    catchUp() {
      return this.fetchRows(this.rows && timeOf(find('tr[id]', this.rows)))
    }

    // Loads the rows since `from`, inserts those that are not shown, and replaces those in `told`.
    // Returns whether they could be loaded.
    async fetchRows(from, told = new Map()) {
      if (!this.rows) return false
      const url = new URL(this.rows.dataset.tailRows, location)
      if (from) url.searchParams.set('from', from)
      const headers = { 'HX-Request': 'true', 'HX-Target': this.rows.id }
      const read = response => response.ok ? response.text() : null
      const innerHTML = await fetch(url, { headers, cache: 'no-store' }).then(read).catch(() => null)
      if (innerHTML === null || !this.socket || !this.place.isConnected || !this.rows) return false
      for (const row of [...make('template', { innerHTML }).content.children].reverse()) {
        const shown = find(`#${CSS.escape(row.id)}`)
        if (!shown || told.has(row.id)) this.put(row, shown)
      }
      this.settle()
      return true
    }

    // Puts `row` in the place of `shown`, else above the rows that are older.
    put(row, shown) {
      if (shown) shown.replaceWith(row)
      else {
        row.classList.add('fresh')
        const older = all('tr[id]', this.rows).find(other => timeOf(other) <= timeOf(row))
        if (older) older.before(row)
        else this.rows.append(row)
        this.fresh += 1
      }
      htmx.process(row)
      times(row)
    }

    settle() {
      const { rows } = this
      if (!find('tr[id]', rows)) return
      for (const empty of all('[data-tail-empty]', rows)) empty.remove()
      while (rows.children.length > ROWS) rows.lastElementChild.remove()
      if (!this.fresh || Date.now() - this.announcedAt < 5000) return
      this.announcedAt = Date.now()
      announce(plural(this.fresh, 'new request'))
      this.fresh = 0
    }
  }

  start(root => {
    sweep()
    for (const place of all('[data-tail-url]', root)) place.tail ??= new Tail(place)
  })
  on('tidegate:uncovered', sweep)
  on('tidegate:resumed', () => { for (const tail of tails) if (tail.place.dataset.state === 'off') tail.connect() })
  on('visibilitychange', () => { for (const tail of tails) tail.hide(document.hidden) })
  clicks('[data-tail-toggle]', button => button.closest('[data-tail-url]').tail.toggle())
}
