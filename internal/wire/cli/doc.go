// Package cli is the grammar of Asterisk's command line without a switch: how a line is
// split into words, how a word of a command may look, how channels are selected by name,
// and the columns of tables (spec: cli 1, 4).
//
//	line ──Split──► words ──Command.Match──► arguments
//	                           argument ──ParseSelector──► Selector ──Match──► names
//
// Columns are counted in bytes, as C's printf counts them. Nothing here fails but
// ParseSelector, whose error says what a program expects to read.
package cli
