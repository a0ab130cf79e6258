package ua

import (
	"cmp"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/txn"
)

// Bounds of a binding's life (D14).
const (
	minExpires     = 60 * time.Second
	maxExpires     = 3600 * time.Second
	defaultContact = 10 // bindings per AOR
)

// Registrar keeps the bindings of phones in memory (RFC 3261 §10, D14). An
// address of record is named by its user part ("101"): this server has one
// domain. Safe concurrently.
type Registrar struct {
	a *Agent

	mu       sync.Mutex // guards what follows; not held when callbacks run
	bindings map[string][]*Binding
	flows    map[*sipnet.Flow]*flowUse // flows that bindings use
	onChange []func(aor string, registered bool)
	onUpdate []func(aor string, b []Binding)
	pending  []func() // callbacks, in order
	running  bool
}

// flowUse counts the bindings on a flow; unhook ends our interest in its end.
type flowUse struct {
	n      int
	unhook func()
}

func newRegistrar(a *Agent) *Registrar {
	return &Registrar{a: a, bindings: map[string][]*Binding{}, flows: map[*sipnet.Flow]*flowUse{}}
}

// OnChange adds f, told when an address of record gets its first binding and
// when it loses its last. Calls are in order and never concurrent; f must not
// block.
func (r *Registrar) OnChange(f func(aor string, registered bool)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.onChange = append(r.onChange, f)
}

// OnUpdate adds f, told of every change with the bindings that are left: the
// place to keep them over a restart. As OnChange.
func (r *Registrar) OnUpdate(f func(aor string, b []Binding)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.onUpdate = append(r.onUpdate, f)
}

// Restore puts bindings back that OnUpdate gave before a restart; expired
// ones are left out. Streams are gone, so these are called by their Contact
// until they register again.
func (r *Registrar) Restore(aor string, bindings []Binding) {
	r.mu.Lock()
	before := len(r.bindings[aor])
	for _, b := range bindings {
		if time.Until(b.ExpiresAt) > 0 {
			b.Flow = nil
			r.put(aor, &b, nil)
		}
	}
	r.changed(aor, before)
	r.unlock()
}

// Lookup gives the bindings of an address of record, best first: by q, then
// the one registered last.
func (r *Registrar) Lookup(aor string) []Binding {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.copyOf(aor)
}

func (r *Registrar) copyOf(aor string) []Binding {
	var out []Binding
	for _, b := range slices.Backward(r.bindings[aor]) { // the newest first
		if time.Until(b.ExpiresAt) > 0 {
			cp := *b
			cp.timer = nil
			out = append(out, cp)
		}
	}
	slices.SortStableFunc(out, func(x, y Binding) int { return cmp.Compare(y.Q, x.Q) })
	return out
}

// All gives every address of record that is registered.
func (r *Registrar) All() map[string][]Binding {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make(map[string][]Binding, len(r.bindings))
	for aor := range r.bindings {
		if b := r.copyOf(aor); len(b) > 0 {
			out[aor] = b
		}
	}
	return out
}

// Unregister removes all bindings of an address of record, as when a phone
// is deleted from the configuration.
func (r *Registrar) Unregister(aor string) {
	r.mu.Lock()
	before := len(r.bindings[aor])
	for _, b := range slices.Clone(r.bindings[aor]) {
		r.drop(aor, b)
	}
	r.changed(aor, before)
	r.unlock()
}

// owns reports whether a phone registered on f.
func (r *Registrar) owns(f *sipnet.Flow) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.flows[f] != nil
}

// handle takes REGISTER (RFC 3261 §10.3).
func (r *Registrar) handle(tx *txn.ServerTx) {
	req := tx.Request()
	if r.a.auth == nil {
		r.a.respond(tx, sip.StatusMethodNotAllowed, "Method Not Allowed")
		return
	}
	user, ok := r.a.AuthorizeRequest(tx)
	if !ok {
		return
	}
	aor := UnescapeUser(req.To().Address.User)
	may := r.a.cfg.MayRegister
	if may == nil {
		may = func(user, aor string) bool { return user == aor }
	}
	if aor == "" || !may(user, aor) { // RFC 3261 §10.3 step 4
		r.a.respond(tx, sip.StatusForbidden, "Forbidden")
		return
	}
	status, reason, headers := r.register(aor, tx)
	r.a.respond(tx, status, reason, headers...)
}

// register carries out one authorised REGISTER; it changes all or nothing.
func (r *Registrar) register(aor string, tx *txn.ServerTx) (int, string, []sip.Header) {
	req := tx.Request()
	contacts := req.GetHeaders("Contact")
	general, hasGeneral := seconds(headerValue(req, "Expires"))
	r.mu.Lock()
	defer r.unlock()
	before := len(r.bindings[aor])
	for _, h := range contacts {
		if c, ok := h.(*sip.ContactHeader); ok && (c.Address.Wildcard || c.Address.Host == "*") {
			if len(contacts) != 1 || !hasGeneral || general != 0 { // RFC 3261 §10.3 step 6
				return sip.StatusBadRequest, "Bad Wildcard Contact", nil
			}
			for _, b := range slices.Clone(r.bindings[aor]) {
				if b.callID == callIDOf(req) && cseqOf(req) <= b.cseq {
					return sip.StatusInternalServerError, "CSeq Out of Order", nil
				}
				r.drop(aor, b)
			}
			r.changed(aor, before)
			return sip.StatusOK, "OK", []sip.Header{dateHeader()}
		}
	}
	type update struct {
		b    *Binding
		life time.Duration
		old  *Binding
	}
	var updates []update
	for _, h := range contacts {
		c, ok := h.(*sip.ContactHeader)
		if !ok || checkURI(c.Address) != nil {
			return sip.StatusBadRequest, "Bad Contact", nil
		}
		b, life, ok := newBinding(c, tx, general, hasGeneral)
		if !ok { // RFC 3261 §10.3 step 7
			return sip.StatusIntervalToBrief, "Interval Too Brief", []sip.Header{sip.NewHeader("Min-Expires", deltaSeconds(minExpires))}
		}
		old := r.same(aor, b)
		if old != nil && old.callID == b.callID && b.cseq <= old.cseq { // D14: CSeq order
			return sip.StatusInternalServerError, "CSeq Out of Order", nil
		}
		updates = append(updates, update{b, life, old})
	}
	for _, u := range updates {
		if u.old != nil && slices.Contains(r.bindings[aor], u.old) {
			r.drop(aor, u.old)
		}
		if u.life > 0 {
			r.put(aor, u.b, tx.Flow())
		}
	}
	if len(updates) > 0 {
		r.evict(aor)
		r.changed(aor, before)
	}
	return sip.StatusOK, "OK", append(r.contactHeaders(aor, req), dateHeader())
}

func dateHeader() sip.Header { // RFC 3261 §10.3 step 8
	return sip.NewHeader("Date", time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"))
}

// put adds b and watches its end: by time, or with its connection (N5).
func (r *Registrar) put(aor string, b *Binding, f *sipnet.Flow) {
	r.bindings[aor] = append(r.bindings[aor], b)
	b.timer = time.AfterFunc(time.Until(b.ExpiresAt), func() { r.lose(aor, func(x *Binding) bool { return x == b }) })
	if f == nil {
		return
	}
	use := r.flows[f]
	if use == nil {
		use = &flowUse{unhook: f.OnClose(func(error) {
			// In a goroutine: a flow that has closed already says so at once, and the mutex is held here.
			r.a.spawn(func() { r.lose("", func(x *Binding) bool { return x.Flow == f }) })
		})}
		r.flows[f] = use
		f.SetRegistered(true)
	}
	use.n++
}

// drop removes b.
func (r *Registrar) drop(aor string, b *Binding) {
	b.timer.Stop()
	if rest := slices.DeleteFunc(r.bindings[aor], func(x *Binding) bool { return x == b }); len(rest) > 0 {
		r.bindings[aor] = rest
	} else {
		delete(r.bindings, aor)
	}
	if use := r.flows[b.Flow]; use != nil {
		if use.n--; use.n == 0 {
			delete(r.flows, b.Flow)
			b.Flow.SetRegistered(false)
			use.unhook()
		}
	}
}

// lose drops what match says, of one address of record or ("") of all.
func (r *Registrar) lose(aor string, match func(*Binding) bool) {
	r.mu.Lock()
	for name, list := range r.bindings {
		if aor != "" && name != aor {
			continue
		}
		before := len(list)
		for _, b := range slices.Clone(list) {
			if match(b) {
				r.drop(name, b)
			}
		}
		if len(r.bindings[name]) != before {
			r.changed(name, before)
		}
	}
	r.unlock()
}

// evict keeps the bindings of aor within their bound: the one renewed longest
// ago goes, since phones behind NAT leave such behind when their port changes.
func (r *Registrar) evict(aor string) {
	limit := defaultContact
	if r.a.cfg.MaxContacts != nil {
		if n := r.a.cfg.MaxContacts(aor); n > 0 {
			limit = n
		}
	}
	for len(r.bindings[aor]) > limit {
		r.drop(aor, slices.MinFunc(r.bindings[aor], func(x, y *Binding) int { return x.registered.Compare(y.registered) }))
	}
}

// changed queues the callbacks for a change. The mutex is held.
func (r *Registrar) changed(aor string, before int) {
	now := len(r.bindings[aor])
	if (before == 0) != (now == 0) {
		for _, f := range r.onChange {
			r.pending = append(r.pending, func() { f(aor, now > 0) })
		}
	}
	if len(r.onUpdate) > 0 {
		list := r.copyOf(aor)
		for _, f := range r.onUpdate {
			r.pending = append(r.pending, func() { f(aor, list) })
		}
	}
}

// unlock releases the mutex and runs the callbacks, in order, one at a time.
func (r *Registrar) unlock() {
	if r.running || len(r.pending) == 0 {
		r.mu.Unlock()
		return
	}
	r.running = true
	for len(r.pending) > 0 {
		f := r.pending[0]
		r.pending = r.pending[1:]
		r.mu.Unlock()
		func() {
			defer r.a.recovered("registrar callback", nil)
			f()
		}()
		r.mu.Lock()
	}
	r.pending, r.running = nil, false
	r.mu.Unlock()
}

// contactHeaders lists all bindings with their remaining life (RFC 3261 §10.3
// step 8), and repeats Path to a client that knows it (RFC 3327 §5.3).
func (r *Registrar) contactHeaders(aor string, req *sip.Request) []sip.Header {
	var out []sip.Header
	for _, b := range r.copyOf(aor) {
		left := time.Until(b.ExpiresAt) + time.Second - time.Nanosecond
		h := &sip.ContactHeader{Address: b.Contact, Params: sip.HeaderParams{{K: "expires", V: deltaSeconds(left)}}}
		if b.Q < 1 {
			h.Params = append(h.Params, sip.HeaderKV{K: "q", V: strconv.FormatFloat(b.Q, 'g', 3, 64)})
		}
		if b.Instance != "" {
			h.Params = append(h.Params, sip.HeaderKV{K: "+sip.instance", V: `"` + b.Instance + `"`})
		}
		out = append(out, h)
	}
	if hasOption(req, "Supported", "path") {
		for _, v := range headerValues(req, "Path") {
			out = append(out, sip.NewHeader("Path", cleanText(v)))
		}
	}
	return out
}

// stop ends all timers; the bindings are gone with the agent.
func (r *Registrar) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for aor, list := range r.bindings {
		for _, b := range slices.Clone(list) {
			r.drop(aor, b)
		}
	}
}
