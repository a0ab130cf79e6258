package sipnet

// lru is a map of bounded size that forgets what was used longest ago. It is
// not safe for concurrent use.
type lru[K comparable, V any] struct {
	max   int
	items map[K]*lruItem[K, V]
	root  lruItem[K, V] // ring: next is the newest, prev the oldest
}

type lruItem[K comparable, V any] struct {
	next, prev *lruItem[K, V]
	key        K
	value      V
}

func newLRU[K comparable, V any](limit int) *lru[K, V] {
	l := &lru[K, V]{max: limit, items: make(map[K]*lruItem[K, V])}
	l.root.next, l.root.prev = &l.root, &l.root
	return l
}

// get gives the value of k and makes it the newest.
func (l *lru[K, V]) get(k K) (v V, ok bool) {
	it := l.items[k]
	if it == nil {
		return v, false
	}
	if l.root.next != it {
		it.unlink()
		it.linkAfter(&l.root)
	}
	return it.value, true
}

// put adds a value for a key that is not in the map, and forgets the oldest
// one if that makes it too large.
func (l *lru[K, V]) put(k K, v V) {
	it := &lruItem[K, V]{key: k, value: v}
	if len(l.items) >= l.max { // reuse the oldest item's memory
		it = l.root.prev
		it.unlink()
		delete(l.items, it.key)
		it.key, it.value = k, v
	}
	l.items[k] = it
	it.linkAfter(&l.root)
}

func (l *lru[K, V]) len() int { return len(l.items) }

func (it *lruItem[K, V]) unlink() {
	it.prev.next, it.next.prev = it.next, it.prev
}

func (it *lruItem[K, V]) linkAfter(at *lruItem[K, V]) {
	it.prev, it.next = at, at.next
	at.next.prev, at.next = it, it
}
