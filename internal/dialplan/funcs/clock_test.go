package funcs

import (
	"strconv"
	"testing"
	"time"
)

// TestStrftime holds DP-042.
func TestStrftime(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[t]\n", nil)
	d.want([][2]string{
		{"${STRFTIME(0,UTC,%Y-%m-%d %H:%M:%S)}", "1970-01-01 00:00:00"},
		{"${STRFTIME(86400,UTC,%A %d %b %j)}", "Friday 02 Jan 002"},
		{"${STRFTIME(1000000000,America/New_York,%Y%m%d-%H%M%S)}", "20010908-214640"},
		{"${LEN(${EPOCH})}", "10"},
		{"${STRFTIME(0.5,UTC,%H:%M:%S.%3q)} ${STRFTIME(0.123456,UTC,%q %1q %6q)} ${STRFTIME(1.9999,UTC,%3q %S %2q)}", "00:00:00.500 123 1 123456 999 01 99"},
		{"${STRFTIME(0,UTC)} ${STRFTIME(-1,UTC,%Y)} ${STRFTIME(0,Nowhere/X,%H)} ${STRFTIME(0,EST5EDT,%H)}", "Thu Jan  1 00:00:00 1970 1969 00 19"},
		{"${STRFTIME(0,UTC,%a %A %b %B %C %d %D %e %F %g %G %h %H %I %j %k %l %m %M)}", "Thu Thursday Jan January 19 01 01/01/70  1 1970-01-01 70 1970 Jan 00 12 001  0 12 01 00"},
		{"${STRFTIME(0,UTC,%p %P %r %R %s %S %T %u %U %V %w %W %x %X %y %Y %z %Z %%)}", "AM am 12:00:00 AM 00:00 0 00 00:00:00 4 00 01 4 00 01/01/70 00:00:00 70 1970 +0000 UTC %"},
		{"${STRFTIME(0,UTC,%N|%i|%J|%Q|%E|%Ey|%5Y|%^a|%#Z|%-H|%_H|%3d|%-d %_d %05d|%Od)}", "%N|%i|%J|%Q|%E|70|01970|THU|utc|0| 0|001|1  1 00001|01"},
		{"${STRFTIME(0,UTC,\"%Y,%m\")} ${STRFTIME(0,UTC,%Y,%m)} ${STRFTIME(0,UTC,%)} ${STRFTIME(0,\"UTC\",%H)}", `"1970,01" 1970,01 % 00`},
		{"${STRFTIME(1700000000,Asia/Kolkata,%c %z %Z)} ${STRFTIME(1700000000,Europe/Berlin,%c %z %Z)}", "Wed Nov 15 03:43:20 2023 +0530 IST Tue Nov 14 23:13:20 2023 +0100 CET"},
		{"${STRFTIME(1704067199,UTC,%U %W %V %G)} ${STRFTIME(1704067200,UTC,%U %W %V %G %u)}", "53 52 52 2023 00 01 01 2024 1"},
	}...)
	before := time.Now().Unix()
	for _, epoch := range []string{"", "abc", "99999999999999999999"} {
		got, err := strconv.ParseInt(d.expand("${STRFTIME("+epoch+",UTC,%s)}"), 10, 64)
		if err != nil || got < before || got > before+60 {
			t.Errorf("STRFTIME(%s) gives %d, want the present %d", epoch, got, before)
		}
	}
}

// TestStrptime reads what STRFTIME writes.
func TestStrptime(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "[t]\n", nil)
	d.want([][2]string{
		{"${STRPTIME(2001-09-09 01:46:40,UTC,%Y-%m-%d %H:%M:%S)}", "1000000000"},
		{"${STRPTIME(2001-09-09,America/New_York,%Y-%m-%d)}", "1000008000"},
		{"${STRPTIME(Sep 9 2001 1:46 PM,UTC,%b %d %Y %I:%M %p)}", "1000043160"},
		{"${STRPTIME(1000000000,UTC,%s)} ${STRPTIME(Sunday 9 September 2001,UTC,%A %d %B %Y)} ${STRPTIME(01/02/03,UTC,%D)}", "1000000000 999993600 1041465600"},
		{"${STRPTIME(2001-09-09T01:46:40+0200,UTC,%Y-%m-%dT%H:%M:%S%z)} ${STRPTIME(2001-09-09 12:00 AM,UTC,%F %I:%M %p)}", "1000000000 999993600"},
		{"${STRPTIME(Sun Sep  9 01:46:40 2001,UTC,%c)} ${STRPTIME(252/2001,UTC,%j/%Y)} ${STRPTIME(20 01 9 9 CEST,UTC,%C %y %m %e %Z)}", "1000000000 999993600 999993600"},
		{"${STRPTIME(12:30,UTC,%H:%M)}", "-2209030200"},
	}...)
	d.warns("${STRPTIME(bogus,UTC,%Y)}", "${STRPTIME(,UTC,%Y)}", "${STRPTIME(2001)}", "${STRPTIME(13,UTC,%m)}", "${STRPTIME(1,UTC,%Q)}", "${STRPTIME(x,UTC,%a)}")
}

// FuzzTimes proves that no format panics.
func FuzzTimes(f *testing.F) {
	f.Add("2001-09-09 01:46:40", "%Y-%m-%d %H:%M:%S")
	f.Add("Sun Sep  9", "%a %b %-5e %^#99q%")
	f.Fuzz(func(t *testing.T, text, format string) {
		when, _ := strptime(text, format, time.UTC)
		if got := strftime(when, format); len(got) > len(format)*(maxWidth+1)+64 {
			t.Errorf("%q gives %d bytes", format, len(got))
		}
	})
}
