// Package sheet knows tables as files: CSV in the encodings and with the delimiters that
// spreadsheets write, XLSX, and lines of JSON. It does not know what a table means.
//
// Reader gives the rows of a CSV file or of one sheet of a workbook, one by one: memory is bounded
// whatever the file is, a row that is wrong is that row's problem, and rows have the numbers
// that a spreadsheet shows beside them.
package sheet
