package launch

import "hash/fnv"

// User that a process runs as. Each plugin has its own, so that plugins cannot
// look into each other.
type User struct{ UID, GID int }

// A range that neither distributions nor systemd give to anybody, and that exists
// in containers whose users are mapped.
const firstUser = 60578

// Users is how many there are in that range.
const Users = 606

// UserOf derives a user from a text, so that the same plugin owns its files again
// after a restart.
func UserOf(text string) User {
	h := fnv.New32a()
	_, _ = h.Write([]byte(text)) // never fails
	return numbered(int(h.Sum32() % Users))
}

// Next is another user of the range.
func (u User) Next() User { return numbered((u.UID - firstUser + 1) % Users) }

func numbered(n int) User { return User{UID: firstUser + n, GID: firstUser + n} }
