package main

import (
	"testing"
	"time"
)

func TestPastTime(t *testing.T) {
	zone := time.FixedZone("CET", 3600)
	now := time.Date(2026, 11, 29, 13, 0, 0, 0, zone)
	for text, want := range map[string]time.Time{
		"2026-11-28": time.Date(2026, 11, 28, 0, 0, 0, 0, zone), "2026-11-28T12:00:00Z": time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC),
		"2026-11-28T12:00": time.Date(2026, 11, 28, 12, 0, 0, 0, zone), "7d": time.Date(2026, 11, 22, 13, 0, 0, 0, zone), "90m": now.Add(-90 * time.Minute),
	} {
		if got, err := pastTime(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "-1d", "99999999d", "-5m", "soon", "2026-13-01"} {
		if got, err := pastTime(text, now); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func TestExportFormat(t *testing.T) {
	for _, c := range []struct{ format, output, want string }{
		{"", "", "csv"}, {"", "a.XLSX", "xlsx"}, {"", "a.jsonl", "jsonl"}, {"", "a.txt", "csv"}, {"jsonl", "a.xlsx", "jsonl"},
	} {
		if got := (exportCmd{Format: c.format, Output: c.output}).format(); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}
