// Package music is what waiting parties hear: classes of music on hold, and a
// piece that needs no file.
//
// A class is a directory of sound files that are played one after the other, for
// ever; musiconhold.conf says which (mode=files), as Asterisk's does. Without
// such a file the class NAME is the directory NAME below the music directory,
// and the class "default" that directory itself. A class "default" that nobody
// has defined is the built-in piece, so that music on hold is never silence.
//
// Programs that make music (mode=custom) are not started: such a class is
// reported and unknown.
package music
