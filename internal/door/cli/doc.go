// Package cli is the CLI dialect of Asterisk: the commands that scripts send by
// `asterisk -rx`, AMI's Command, and the interactive prompt (spec: cli).
package cli
