// Package snapshot decides what is believed of a car: the newest report by the car's
// own time, without values that cannot be, and how fresh it is proven to be. What it
// remembers of each car outlives the process.
//
// The group "refresh" of a snapshot is written here (refresh.go); a vendor's part of
// it is the car's time, the count of values that it did not understand, and that a
// car stayed silent.
package snapshot
