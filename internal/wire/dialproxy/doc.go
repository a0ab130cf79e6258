// Package dialproxy is the grammar of AstLinux's dialproxy.php: how a request's
// parameters are read, how its number is made dialable, and what the entry of a
// label in the actionlist says (spec: dialproxy 3, 5, 6).
//
//	query, form ──ParseForm──► Form ─ num ──Prefixes.Normalise──► Number ─┐
//	                             └─── ext ──(AstDB)── value ──ParseLabel──► Label ──Originate──► Originate
//
// An Originate holds the values that the original wrote into its AMI action, letter
// by letter; how they are carried out is the door's part. Everything works on bytes,
// as PHP does, and nothing here fails: what makes no sense gives what the original
// made of it. A Number and a Label tell what was done to them in steps of words,
// for the dry run.
//
// There are no sockets and no lookups here, and the package imports nothing of ours.
package dialproxy
