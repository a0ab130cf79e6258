// Package sheet knows tables as files: CSV in the encodings and with the delimiters that
// spreadsheets write, XLSX, and lines of JSON. It does not know what a table means.
//
// Reader gives the rows of a CSV file or of one sheet of a workbook, one by one: memory is bounded
// whatever the file is, a row that is wrong is that row's problem, and rows have the numbers
// that a spreadsheet shows beside them.
//
// Writer takes rows one by one and holds none of them, however many there are. CSV
// (RFC 4180) and lines of JSON go out as they come. A workbook is gathered in a file of the
// temporary directory and goes out with Close, because its parts are packed one after
// another. What was written is whole only after a Close that returned nil: whoever cannot
// give all rows calls Abort, and tells the receiver by other means, for instance by cutting
// the connection.
//
// Tables hold what strangers chose: names, caller IDs, reasons of peers. A spreadsheet
// takes a text of CSV that begins with = + - or @ for a formula and carries it out, so
// such a text gets an apostrophe in front; numbers and telephone numbers do not. A workbook has
// typed cells: a text is a text there and is not changed.
package sheet
