// Package fleet runs the built commands between real servers, for tests that look at them from outside.
package fleet
