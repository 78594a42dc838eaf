package mysql

import (
	"encoding/base64"
	"strings"
	"sync/atomic"
	"time"

	"github.com/masixun71/cupid-go/pkg/diff"
)

// zone is a server's own zone, measured anew from time to time.
type zone struct{ atomic.Pointer[time.Location] }

// field is a column in the form in which it is compared.
type field struct {
	column column
	// wall, when set, shows the time on the wall clock of that zone, to meet a
	// column that holds a wall clock.
	wall *zone
	// from is the zone of the wall clock that a DATETIME itself shows; nil for a
	// TIMESTAMP, which is read in UTC.
	from *zone
	// raw reads a text as its bytes: conversion would turn different letters that
	// Unicode lacks into the same question mark.
	raw bool
}

// keyField is a column that relates rows.
func keyField(c column) field { return field{column: c, raw: c.charset == ascii} }

// sql reads the field so that the driver's own parsing loses nothing.
func (f field) sql() string {
	switch {
	case f.raw:
		return f.column.asBytes()
	case f.column.kind == kindFloat, f.column.kind == kindDouble:
		return f.column.quoted() + "+0e0" // the text of a FLOAT has six digits only
	case f.column.kind == kindBit:
		return f.column.quoted() + "+0"
	default:
		return f.column.quoted()
	}
}

func (f field) value(v diff.Value) diff.Value {
	if f.wall == nil {
		return v
	}
	return reclock(v, f.clock(), f.wall.Load())
}

// clock is the zone in which the field is read.
func (f field) clock() *time.Location {
	if f.from == nil {
		return time.UTC
	}
	return f.from.Load()
}

// fields are the compared columns of one side.
type fields []field

// with adds a field, which is read once whoever asks for it, and says where it
// stands.
func (f fields) with(wanted field) (fields, int) {
	for i, known := range f {
		if known.column.name == wanted.column.name && known.wall == wanted.wall && known.from == wanted.from && known.raw == wanted.raw {
			return f, i
		}
	}
	return append(f, wanted), len(f)
}

func (f fields) sql() []string {
	list := make([]string, len(f))
	for i := range f {
		list[i] = f[i].sql()
	}
	return list
}

// values turns what was read, in place, into what is compared.
func (f fields) values(read []diff.Value) []diff.Value {
	for i := range f {
		read[i] = f[i].value(read[i])
	}
	return read
}

// bodySQL reads a column as a plain client sees it.
func bodySQL(c column) string {
	switch {
	case c.kind == kindFloat, c.kind == kindDouble, c.zerofill(), c.dataType == "year":
		return "CAST(" + c.quoted() + " AS CHAR)" // else the driver makes a number of it
	case c.kind == kindBit:
		return c.quoted() + "+0"
	default:
		return c.quoted()
	}
}

// bodyValue is the final text of a column in a callback body.
func bodyValue(c column, v diff.Value, shown *time.Location) diff.Value {
	switch {
	case v == nil:
		return nil
	case c.kind.bytes():
		return base64.StdEncoding.AppendEncode(make([]byte, 0, base64.StdEncoding.EncodedLen(len(v))), v)
	case c.kind == kindTimestamp:
		return reclock(v, time.UTC, shown)
	default:
		return v
	}
}

func list(expressions ...[]string) string {
	var all []string
	for _, e := range expressions {
		all = append(all, e...)
	}
	return strings.Join(all, ", ")
}
