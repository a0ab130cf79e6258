package prompts

import (
	"strconv"
	"strings"
	"time"
)

// DefaultTime is how SayUnixTime says a time when nothing else is asked for:
// "Friday December twenty fifth two thousand twenty six at six thirty P M".
const DefaultTime = "ABdY 'digits/at' IMp"

// Time says t, in its own zone, by a format of one letter a part (Asterisk:
// app_sayunixtime.c, main/say.c ast_say_date_with_format_en):
//
//	A a  day of the week          H k  hour, 0-23          Q  "today", "yesterday",
//	B b h  month                  I l  hour, 1-12             the weekday, or ABdY
//	m    month's number           M    minute              q  the same, "" for today
//	d e  day of the month         S    second              R  HM     T  HMS
//	Y    year                     P p  A M, P M            'x' the sound x
//
// now decides about today. Letters that mean nothing are passed over.
func Time(lang string, t, now time.Time, format string) []string {
	if format == "" {
		format = DefaultTime
	}
	c := clock{grammarOf(lang), t, now}
	var out []string
	for format != "" {
		if rest, ok := strings.CutPrefix(format, "'"); ok {
			name, after, _ := strings.Cut(rest, "'")
			if name != "" {
				out = append(out, name)
			}
			format = after
			continue
		}
		letter := format[0]
		format = format[1:]
		out = append(out, c.part(letter, format)...)
	}
	return out
}

// clock is a time being said.
type clock struct {
	g      grammar
	t, now time.Time
}

// part says one letter of the format; after is what follows it.
func (c clock) part(letter byte, after string) []string {
	t := c.t
	switch letter {
	case 'A', 'a':
		return []string{"digits/day-" + strconv.Itoa(int(t.Weekday()))}
	case 'B', 'b', 'h':
		return []string{"digits/mon-" + strconv.Itoa(int(t.Month())-1)}
	case 'm':
		return c.g.ordinal(int64(t.Month()))
	case 'd', 'e':
		return c.g.ordinal(int64(t.Day()))
	case 'Y':
		return c.year()
	case 'I', 'l':
		return c.g.cardinal(int64((t.Hour()+11)%12 + 1))
	case 'H', 'k':
		return c.hour(letter == 'H')
	case 'M':
		return c.minute(after)
	case 'S':
		return c.g.cardinal(int64(t.Second()))
	case 'P', 'p':
		if t.Hour() < 12 {
			return []string{"digits/a-m"}
		}
		return []string{"digits/p-m"}
	case 'Q', 'q':
		return c.day(letter == 'q')
	case 'R':
		return Time("", t, c.now, "HM")
	case 'T':
		return Time("", t, c.now, "HMS")
	}
	return nil
}

// year says 2026 as "two thousand twenty six" and 1999 as "nineteen ninety nine".
func (c clock) year() []string {
	y := int64(max(c.t.Year(), 0))
	if y >= 2000 || y < 1100 || y%100 == 0 {
		return c.g.cardinal(y)
	}
	out := c.g.cardinal(y / 100)
	if y%100 < 10 {
		out = append(out, "digits/oh")
	}
	return append(out, c.g.cardinal(y%100)...)
}

// hour is of 24; with a zero in front that is heard as "oh".
func (c clock) hour(zero bool) []string {
	h := int64(c.t.Hour())
	if zero && h > 0 && h < 10 {
		return append([]string{"digits/oh"}, c.g.cardinal(h)...)
	}
	return c.g.cardinal(h)
}

// minute says "oh five", and "o'clock" for a full hour that A M does not follow.
func (c clock) minute(after string) []string {
	m := int64(c.t.Minute())
	switch {
	case m == 0 && strings.HasPrefix(strings.ToLower(strings.TrimLeft(after, " ")), "p"):
		return nil
	case m == 0:
		return []string{"digits/oclock"}
	case m < 10:
		return append([]string{"digits/oh"}, c.g.cardinal(m)...)
	}
	return c.g.cardinal(m)
}

// day says how near a day is; brief leaves today out.
func (c clock) day(brief bool) []string {
	y, m, d := c.now.In(c.t.Location()).Date()
	today := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	y, m, d = c.t.Date()
	switch days := int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Sub(today).Hours() / 24); {
	case days == 0 && brief:
		return nil
	case days == 0:
		return []string{"digits/today"}
	case days == -1:
		return []string{"digits/yesterday"}
	case days == 1:
		return []string{"digits/tomorrow"}
	case days < 0 && days > -7:
		return c.part('A', "")
	}
	return Time("", c.t, c.now, "ABdY")
}
