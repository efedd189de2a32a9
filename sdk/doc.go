// Package sdk turns a blocking vendor client into a vehicle plugin.
//
// An author writes a [Vendor]: log in, list the cars, read the cloud's copy,
// wake a car. All four block, and that is fine: the [Engine] runs them only in
// worker goroutines, one per car and class at a time, shares equal calls,
// renews the session once however many callers meet an expired one, stops
// calling a cloud that is down, and proves by the car's own time whether an
// answer is fresh. [Serve] puts the engine behind the contract of package
// shared; a plugin's main is one call to it.
//
// Wakes cost the car's 12 V battery. The engine calls [Vendor.Force] only for a
// force command, or for a smart one whose data is too old.
package sdk
