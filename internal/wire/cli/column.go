package cli

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Left is a column as C's "%-N.Ns": cut to n bytes, padded on the right. A character
// that would be cut in two is left out.
func Left(s string, n int) string { return Pad(cut(s, n), n) }

// Pad is a column as C's "%-Ns": padded to n bytes, never cut.
func Pad(s string, n int) string {
	if len(s) >= n {
		return s
	}
	return s + strings.Repeat(" ", n-len(s))
}

// Right is a column as C's "%N.Ns": cut to n bytes, padded on the left.
func Right(s string, n int) string {
	s = cut(s, n)
	return strings.Repeat(" ", n-len(s)) + s
}

// Cut cuts s to n bytes, without cutting a character in two.
func Cut(s string, n int) string { return cut(s, n) }

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// Plural is "1 call", "2 calls": the s is missing for 1 alone (spec: cli 4.1).
func Plural(n int, noun string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Clock writes a duration as 01:02:03; hours may have more digits.
func Clock(d time.Duration) string {
	s := max(int(d/time.Second), 0)
	return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
}

// Uptime writes a duration in words, "14 minutes, 10 seconds", units that are zero left
// out (spec: cli 6).
func Uptime(d time.Duration) string {
	left := max(int(d/time.Second), 0)
	var parts []string
	for _, u := range []struct {
		seconds int
		noun    string
	}{{365 * 24 * 3600, "year"}, {7 * 24 * 3600, "week"}, {24 * 3600, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}} {
		if n := left / u.seconds; n > 0 {
			parts = append(parts, Plural(n, u.noun))
			left %= u.seconds
		}
	}
	if len(parts) == 0 {
		return "0 seconds"
	}
	return strings.Join(parts, ", ")
}
