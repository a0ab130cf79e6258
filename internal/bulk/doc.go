// Package bulk makes calls of lists: a table that somebody uploads, what each of its columns
// means, what would become of each row, and then the calls.
//
//	Upload ──► uploaded ──Submit──► submitting ──► submitted
//	              │ Check                │ Cancel, a file that is gone
//	              ▼                      ▼
//	           Report                  failed
//
// An upload is read once: its rows are written as lines of JSON beside the store, and whatever
// follows reads those. A row keeps the number that a spreadsheet shows beside it.
//
// Check asks the guard about every row and stores nothing. Submit returns at once; the rows are
// submitted in pieces in the background, by the same path as any other request, with an
// idempotency key made of the import and the row. After every piece the store knows which
// rows are done, so that a server which died goes on where it was, and what was
// submitted and not yet noted is recognised by its key: no row is dialled twice.
//
// The rights are those of who submits, at every row: account, caller ID, prefixes, caps. A list
// counts as one request for rates. It can be stopped only with its batch (Cancel).
package bulk
