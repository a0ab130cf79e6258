package dialplan

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const minutesOfDay = 24 * 60

// Timing is a time specification of an include or GotoIfTime (spec: dialplan
// 2.4). The zero Timing always matches.
type Timing struct {
	minutes  []bool // one for each minute of the day; nil = all
	weekdays uint32 // bit 0 = Sunday, each mask inverted: a set bit excludes
	mdays    uint32 // bit 0 = the first
	months   uint32 // bit 0 = January
	zone     *time.Location
}

// ParseTiming reads "times,weekdays,mdays,months[,timezone]". sep lists the
// separators that count (",", or ",|"). The texts are warnings, each about one
// item that is skipped; the Timing is always usable. A field of which every
// item is skipped never matches.
func ParseTiming(spec, sep string) (Timing, []string) {
	var tm Timing
	var warnings []string
	warn := func(format string, args ...any) { warnings = append(warnings, fmt.Sprintf(format, args...)) }
	for i := 0; spec != ""; i++ {
		field := spec
		if end := strings.IndexAny(spec, sep); end >= 0 {
			field, spec = spec[:end], spec[end+1:]
		} else {
			spec = ""
		}
		field = strings.TrimSpace(field)
		if field == "" || field == "*" {
			continue
		}
		switch i {
		case 0:
			tm.minutes = parseTimes(field, warn)
		case 1:
			tm.weekdays = parseDays(field, 7, "weekday", weekdayNames, warn)
		case 2:
			tm.mdays = parseDays(field, 31, "day of the month", "", warn)
		case 3:
			tm.months = parseDays(field, 12, "month", monthNames, warn)
		case 4:
			zone, err := time.LoadLocation(field)
			if err != nil {
				warn("there is no time zone %q; local time counts", field)
				continue
			}
			tm.zone = zone
		default:
			warn("%q is behind the last field and is ignored", field)
		}
	}
	return tm, warnings
}

const (
	weekdayNames = "sunmontuewedthufrisat"
	monthNames   = "janfebmaraprmayjunjulaugsepoctnovdec"
)

// parseDays reads "mon-fri&sun" or "1-5&20" into the mask of what is excluded.
// names holds the names of the values, three letters each.
func parseDays(field string, count int, what, names string, warn func(string, ...any)) uint32 {
	excluded := uint32(1)<<count - 1
	for item := range strings.SplitSeq(field, "&") {
		first, last, isRange := strings.Cut(item, "-")
		if !isRange {
			last = first
		}
		from, ok := dayNumber(first, count, names)
		to, ok2 := dayNumber(last, count, names)
		if !ok || !ok2 {
			warn("%q is no %s; it is skipped", strings.TrimSpace(item), what)
			continue
		}
		for ; from != to; from = (from + 1) % count {
			excluded &^= 1 << from
		}
		excluded &^= 1 << to
	}
	return excluded
}

// dayNumber reads a name or a number from 1 and gives it from 0.
func dayNumber(text string, count int, names string) (int, bool) {
	text = strings.TrimSpace(text)
	if n, err := strconv.Atoi(text); err == nil {
		return n - 1, n >= 1 && n <= count
	}
	if len(text) != 3 {
		return 0, false
	}
	for i := 0; i+3 <= len(names); i += 3 {
		if strings.EqualFold(names[i:i+3], text) {
			return i / 3, true
		}
	}
	return 0, false
}

// parseTimes reads "9:00-17:00&20:00" into the minutes that are meant.
func parseTimes(field string, warn func(string, ...any)) []bool {
	minutes := make([]bool, minutesOfDay)
	for item := range strings.SplitSeq(field, "&") {
		first, last, isRange := strings.Cut(item, "-")
		if !isRange {
			last = first
		}
		from, ok := minute(first)
		to, ok2 := minute(last)
		if !ok || !ok2 {
			warn("%q is no time of day; it is skipped", strings.TrimSpace(item))
			continue
		}
		for ; from != to; from = (from + 1) % minutesOfDay {
			minutes[from] = true
		}
		minutes[to] = true
	}
	return minutes
}

// minute reads "9:05" and gives the minute of the day.
func minute(text string) (int, bool) {
	h, m, ok := strings.Cut(strings.TrimSpace(text), ":")
	hour, err := strconv.Atoi(h)
	min, err2 := strconv.Atoi(m)
	return hour*60 + min, ok && err == nil && err2 == nil && hour >= 0 && hour < 24 && min >= 0 && min < 60 && len(h) <= 2 && len(m) <= 2
}

// Match says whether t lies within. Without a time zone of its own the
// specification means that of t.
func (tm Timing) Match(t time.Time) bool {
	if tm.zone != nil {
		t = t.In(tm.zone)
	}
	return (tm.minutes == nil || tm.minutes[t.Hour()*60+t.Minute()]) &&
		tm.weekdays>>t.Weekday()&1 == 0 &&
		tm.mdays>>(t.Day()-1)&1 == 0 &&
		tm.months>>(t.Month()-1)&1 == 0
}
