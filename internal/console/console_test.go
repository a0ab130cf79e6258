package console

import (
	"compress/gzip"
	"io"
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

// budget is what the console may weigh in bytes, gzipped, without the phone in the browser.
const budget = 400_000

func TestFilesAreWhole(t *testing.T) {
	index, err := fs.ReadFile(Files(), "index.html")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`(?:src|href)="/console/([^"]+)"`).FindAllStringSubmatch(string(index), -1)
	if len(named) < 2 {
		t.Fatalf("index.html names %d files:\n%s", len(named), index)
	}
	for _, m := range named {
		if _, err := fs.Stat(Files(), m[1]); err != nil {
			t.Errorf("index.html names %s: %v", m[1], err)
		}
	}
	// The content security policy forbids scripts and styles in the page, and everything from elsewhere.
	for _, bad := range []string{"<style", "style=", "<script>", "onload=", "//cdn", `src="http`, `href="http`} {
		if strings.Contains(string(index), bad) {
			t.Errorf("index.html has %q", bad)
		}
	}
}

func TestWeight(t *testing.T) {
	var total int64
	err := fs.WalkDir(Files(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(path, "phone-") { // the chunk of the phone in the browser
			return err
		}
		b, err := fs.ReadFile(Files(), path)
		if err != nil {
			return err
		}
		count := &counter{}
		z, _ := gzip.NewWriterLevel(count, gzip.BestCompression)
		if _, err := z.Write(b); err != nil {
			return err
		}
		err = z.Close()
		total += count.n
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes gzipped", total)
	if total == 0 || total > budget {
		t.Errorf("the console weighs %d bytes gzipped, its budget is %d", total, budget)
	}
}

type counter struct{ n int64 }

func (c *counter) Write(b []byte) (int, error) {
	c.n += int64(len(b))
	return len(b), nil
}

var _ io.Writer = (*counter)(nil)
