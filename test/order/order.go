// Package order says what came in another order than it should, for the comparison of
// captured traces with what a server does.
package order

// After says where in the trace an event stands that came elsewhere.
func After(w []string, wi []int, keep []bool, k int) string {
	for j := k - 1; j >= 0; j-- {
		if keep[j] {
			return " (in the trace after " + w[wi[j]] + ")"
		}
	}
	return " (in the trace first)"
}

// RisingBySubject marks the pairs of things that come in order among those about the same
// subject: wi are their places in what is wanted, rising, and gi in what was got. subjects
// gives what the thing at a place of what is wanted is about; about nothing = about "".
func RisingBySubject(wi, gi []int, subjects func(i int) []string) []bool {
	places := map[string][]int{}
	for k, i := range wi {
		for _, s := range subjects(i) {
			places[s] = append(places[s], k)
		}
	}
	keep := make([]bool, len(wi))
	for k := range keep {
		keep[k] = true
	}
	for _, list := range places {
		got := make([]int, len(list))
		for i, k := range list {
			got[i] = gi[k]
		}
		for i, ok := range Rising(got) {
			if !ok {
				keep[list[i]] = false
			}
		}
	}
	return keep
}

// Pairs finds for each token of w the next one of g that is the same: the nth with the nth.
func Pairs(w, g []string) (wi, gi []int) {
	at := map[string][]int{}
	for i, x := range g {
		at[x] = append(at[x], i)
	}
	for i, x := range w {
		if len(at[x]) > 0 {
			wi, gi = append(wi, i), append(gi, at[x][0])
			at[x] = at[x][1:]
		}
	}
	return wi, gi
}

// Rising marks a longest rising subsequence of a.
func Rising(a []int) []bool {
	best, from := make([]int, len(a)), make([]int, len(a))
	end := -1
	for i := range a {
		best[i], from[i] = 1, -1
		for j := range i {
			if a[j] < a[i] && best[j]+1 > best[i] {
				best[i], from[i] = best[j]+1, j
			}
		}
		if end < 0 || best[i] > best[end] {
			end = i
		}
	}
	keep := make([]bool, len(a))
	for i := end; i >= 0; i = from[i] {
		keep[i] = true
	}
	return keep
}
