// Package recordings knows which files were recorded of which call, whoever recorded them:
// a click of the user's, MixMonitor and Record in the dialplan, an AGI, ARI, a conference.
//
//	switch ──Recorded──► queue ──► goroutine ──► store: one row for each call and file
//	                                   │
//	                    channel → its call, or that of the channel it was linked with;
//	                    bridge  → the calls of its channels, also of those that come later
//
// A row is written when a file begins, so that a server that dies knows it all the same, and
// completed when the file is. Only calls of the queue have rows, and only files below one of
// the roots: Open finds a file by its root's name and the path below it, and follows no
// link out of there (os.Root). What is not there any more is told as gone. Nothing here
// makes or deletes a file.
package recordings
