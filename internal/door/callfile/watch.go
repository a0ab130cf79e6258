package callfile

// change is one thing that the system tells about a name in the folder.
type change struct {
	name string
	what what
}

// what is the kind of a change.
type what uint8

const (
	found    what = iota // seen in the folder without a word about how it came
	written              // a writer has closed it, or it was moved in: it is complete
	appeared             // made or linked; perhaps somebody is about to write it
	touched              // its time or rights have changed
	left                 // removed or moved away
)

// watcher tells of changes in a folder. Nothing it says is relied on: re-scans
// find what it misses.
type watcher interface {
	// close ends the watch; no change comes after it has returned.
	close()
}

// maxChanges bounds the changes that wait for the door's goroutine.
const maxChanges = 100_000
