package session

// Input is what happens to a session: one of the types below.
type Input interface{ input() }

// The inputs.
type (
	// Looked means that the time goes on.
	Looked struct{ sealed }
	// Recalled is what is on disk, where other processes of the account write as well.
	Recalled struct {
		sealed
		Record Record
	}
	// Damaged means that what is on disk cannot be read.
	Damaged struct{ sealed }
	// Took means that there is a session without a login: another process's or, if
	// Renewed, one that a renewal gave.
	Took struct {
		sealed
		Renewed bool
	}
	// Accepted means that a call with the present session succeeded.
	Accepted struct{ sealed }
	// RefusedAtOnce means that the present session was refused to the call that it was
	// made for.
	RefusedAtOnce struct{ sealed }
	// PersonAsks means that somebody asks for one login, in spite of an earlier refusal.
	PersonAsks struct{ sealed }
	// PersonLeft means that this has come out, or could not be tried.
	PersonLeft struct{ sealed }
	// LoginWanted asks whether the last login lets another one be made.
	LoginWanted struct{ sealed }
	// Tested asks whether a login can be the cure. Good: the present session still
	// serves the list of cars.
	Tested struct {
		sealed
		Good bool
	}
	// LoginBegins means that the password goes out now.
	LoginBegins struct{ sealed }
	// LoginEnded is how that came out.
	LoginEnded struct {
		sealed
		Err error
	}
)

// sealed keeps the list of inputs in this package.
type sealed struct{}

func (sealed) input() {}
