package cloudsim

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Class of a call, as a client's budget counts it.
type Class string

// The classes.
const (
	// LoginPage: a page of the login, or the key that encrypts passwords.
	LoginPage Class = "page"
	// Login: one attempt with a password or a refresh token of the classic client.
	Login Class = "login"
	// Exchange of a login's code, or of an account's token, for the next token.
	Exchange Class = "exchange"
	// Renewal of tokens, without a password.
	Renewal Class = "renewal"
	// PIN: one attempt with it.
	PIN Class = "pin"
	// Register: a device id was given.
	Register Class = "register"
	// List of vehicles.
	List Class = "list"
	// Read of the cloud's copy or of a position.
	Read Class = "read"
	// History: trips and consumption.
	History Class = "history"
	// Wake: a car was woken.
	Wake Class = "wake"
	// Command to a car; none is served.
	Command Class = "command"
	// Other is every call that the cloud does not know.
	Other Class = "other"
)

// Classes are all there are.
func Classes() []Class {
	return []Class{LoginPage, Login, Exchange, Renewal, PIN, Register, List, Read, History, Wake, Command, Other}
}

// Call is one that came, as Options.OnCall gets it.
type Call struct {
	At time.Time
	// Took is measured by the real clock.
	Took   time.Duration
	Class  Class
	Method string
	// Path as it came; it holds a vehicle's id, no secret.
	Path string
	// Fault that a script put in the cloud's place; empty: none.
	Fault Fault
	// Status of the answer; zero: there was none.
	Status int
	// Bytes of the answer's body.
	Bytes int
}

// String is the call as a line of a log.
func (c Call) String() string {
	status := "---"
	if c.Status > 0 {
		status = strconv.Itoa(c.Status)
	}
	line := fmt.Sprintf("%s  %-8s  %s  %-4s %s  %d B  %v", c.At.Format(time.TimeOnly), c.Class, status, c.Method, c.Path, c.Bytes,
		c.Took.Round(100*time.Microsecond))
	if c.Fault != "" {
		line += "  " + strings.ToUpper(string(c.Fault))
	}
	return line
}

// handle adds a route whose calls are of a class.
func (c *Cloud) handle(class Class, pattern string, handler http.HandlerFunc) {
	c.mux.HandleFunc(pattern, handler)
	c.classes[pattern] = class
}

// route is handle for what several profiles may have: the first one counts.
func (c *Cloud) route(class Class, pattern string, handler http.HandlerFunc) {
	if _, known := c.classes[pattern]; !known {
		c.handle(class, pattern, handler)
	}
}

// classOf is the class of a call by its route, whatever will be answered.
func (c *Cloud) classOf(r *http.Request) Class {
	_, pattern := c.mux.Handler(r)
	if class, known := c.classes[pattern]; known {
		return class
	}
	return Other
}

// carOf is the id of the car that a call is about; empty: none.
func carOf(r *http.Request) string {
	_, rest, about := strings.Cut(r.URL.Path, "/spa/vehicles/")
	if !about {
		return ""
	}
	id, _, _ := strings.Cut(rest, "/")
	return id
}

// Knower is an optional part of Options.Answers.
type Knower interface {
	// Knows says whether there is an answer to a call of that method and path.
	Knows(method, path string) bool
}

// withLogin is answers, and the cloud's own answers to those calls of a login that
// it does not know: a recording may begin with a session that was there already.
func (c *Cloud) withLogin(answers http.Handler, knower Knower) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch c.classOf(r) {
		case LoginPage, Login, Exchange, Renewal, Register:
			if !knower.Knows(r.Method, r.URL.Path) {
				c.mux.ServeHTTP(w, r)
				return
			}
		}
		answers.ServeHTTP(w, r)
	})
}

func (c *Cloud) count(class Class) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[class]++
}

// Calls is how many calls of a class the cloud took: for a login every attempt
// that was judged, for a wake every one that was sent to a car. What a fault
// answered is not among them.
func (c *Cloud) Calls(class Class) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[class]
}

// Attempts is how many calls of a class came, by their path alone. It counts
// what was refused, and what a fault answered.
func (c *Cloud) Attempts(class Class) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.attempts[class]
}

// Wakes is how many times a car was woken.
func (c *Cloud) Wakes(carID string) int {
	if car := c.find(carID); car != nil {
		return car.wakes()
	}
	return 0
}

// find returns a car by its id, or by its name.
func (c *Cloud) find(name string) *liveCar {
	var cars []*liveCar
	for _, a := range c.accounts {
		cars = append(cars, a.cars...)
	}
	for _, is := range []func(*liveCar) bool{
		func(car *liveCar) bool { return car.ID == name },
		func(car *liveCar) bool { return strings.EqualFold(car.Name, name) },
	} {
		if i := slices.IndexFunc(cars, is); i >= 0 {
			return cars[i]
		}
	}
	return nil
}
