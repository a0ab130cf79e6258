package apps

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/music"
)

// musicOnHold is MusicOnHold([class[,seconds]]): plays music for so long, or
// until the hangup. A class that is unknown is a warning, and the call goes on
// (spec: dialplan 5.1 MusicOnHold).
func musicOnHold(ctx context.Context, x *run.Exec, args string) error {
	a := arguments(args, 2)
	if !startMusic(ctx, x, a[0]) {
		return nil
	}
	defer func() { _ = x.Channel().StopTone() }() // ErrGone: it has stopped
	d, ok := readSeconds(a[1])
	if !ok || d < 0 {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	err := pause(ctx, x, d)
	x.Flush()
	return err
}

// startMusicOnHold is StartMusicOnHold([class]): begins music and returns.
func startMusicOnHold(ctx context.Context, x *run.Exec, args string) error {
	startMusic(ctx, x, arguments(args, 1)[0])
	return nil
}

func stopMusicOnHold(_ context.Context, x *run.Exec, _ string) error {
	return noMatter(x.Channel().StopTone())
}

// startMusic begins the music of a class, "" = that of CHANNEL(musicclass) or
// the default one, and says whether it could.
func startMusic(ctx context.Context, x *run.Exec, name string) bool {
	if name == "" {
		name, _, _ = x.Machine().ReadFunction(ctx, x.Channel(), "CHANNEL", "musicclass")
	}
	c, problems, err := MusicLibrary(x.Machine().Options()).Class(strings.TrimSpace(name))
	for _, p := range problems {
		x.Warn("%s", p)
	}
	if err == nil {
		err = noMatter(x.Channel().StartMusic(c.Name, c.Open))
	}
	if err != nil {
		x.Warn("music on hold, class %q: %v", cmp.Or(name, music.Default), err)
	}
	return err == nil
}

// MusicLibrary says where a machine's music is: in directory moh of the sounds,
// else of the data (Asterisk: astdatadir/moh).
func MusicLibrary(o *run.Options) music.Library {
	l := music.Library{ConfDir: o.ConfDir, Data: o.Dirs.Data, Sounds: o.Dirs.Sounds}
	for _, dir := range []string{o.Dirs.Sounds, o.Dirs.Data} {
		if dir == "" {
			continue
		}
		if i, err := os.Stat(filepath.Join(dir, "moh")); err == nil && i.IsDir() {
			l.Dir = filepath.Join(dir, "moh")
			break
		}
	}
	return l
}
