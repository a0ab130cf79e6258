// Package switchvox serves the call API of Switchvox (spec: switchvox).
package switchvox
