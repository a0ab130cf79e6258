#!/bin/sh
# Reads the environment, sets a variable, says what it was given.
args=
while read -r line && [ -n "$line" ]; do
	case "$line" in agi_arg_*) args="$args${line#*: };" ;; esac
done
echo "SET VARIABLE FROMAGI \"$args\""
read -r answer
echo "EXEC NoOp x"
read -r answer
exit 0
