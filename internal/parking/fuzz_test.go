package parking

import (
	"testing"
	"testing/fstest"
)

// FuzzLoad: whatever stands in the file, the default lot is there, and every lot has
// spaces that can be taken and extensions that are bounded.
func FuzzLoad(f *testing.F) {
	f.Add(sample)
	f.Add("[default]\nparkext=700\nparkpos=-1-5\n")
	f.Add("[a]\nparkpos=1-10000\nparkext=9\n[b](a)\nparkpos=4294967296-4294967297\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, _, err := Load(fstest.MapFS{FileName: {Data: []byte(text)}})
		if err != nil {
			return
		}
		if _, ok := c.Lots[DefaultName]; !ok {
			t.Error("there is no default lot")
		}
		most := 1
		for name, l := range c.Lots {
			if l.First < 1 || l.Last < l.First || l.Last-l.First >= maxSpaces || l.Context == "" || l.Comeback == "" || l.Time < 0 || l.DialTime < 0 {
				t.Errorf("lot %q: %+v", name, l)
			}
			if s := freeSpace(&l, 0, 0, func(int) bool { return false }); s != l.First {
				t.Errorf("lot %q: an empty lot gives space %d", name, s)
			}
			most += l.Last - l.First + 2
		}
		if list, _ := c.Extensions(); len(list) > most {
			t.Errorf("%d extensions of at most %d", len(list), most)
		}
	})
}
