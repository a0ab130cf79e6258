package usercall_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/dialwright/dialwright/internal/media"
)

// A recording holds both sides, is shown, and there is one at a time.
func TestRecord(t *testing.T) {
	o := open(t, nil)
	id, a, b := o.talk("201", "202")
	o.await("201", "connected")
	o.hears(a, toneOf202)
	o.hears(b, toneOf201)
	heard := &second{done: make(chan struct{})}
	c, _ := o.sw.Channel(channelOf(o, "201"))
	defer c.Port().Tap(heard, media.TapOptions{In: true, Rate: 8000})()
	o.must(o.table.Record(o.ctx, "201", id, true))
	o.must(o.table.Record(o.ctx, "201", id, true))
	o.awaitRecording("201", true)
	<-heard.done // so much audio has gone by
	o.must(o.table.Record(o.ctx, "201", id, false))
	o.must(o.table.Record(o.ctx, "201", id, false))
	o.awaitRecording("201", false)
	files, err := filepath.Glob(filepath.Join(o.recordings, "click", id+"-*.wav"))
	o.must(err)
	if len(files) != 1 {
		t.Fatalf("files %q", files)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Size() < 8000 {
		t.Errorf("%v, %v", info, err)
	}
	o.must(o.table.Record(o.ctx, "201", id, true)) // and one that the call's end ends
	o.awaitRecording("201", true)
	o.must(o.table.Hangup(o.ctx, "201", id, "x"))
	o.await("", "")
}
