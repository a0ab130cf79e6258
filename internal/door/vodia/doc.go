// Package vodia serves the click-to-dial interfaces of the Vodia PBX (spec: vodia).
package vodia
