package cloudsim

// Class of a call, as a client's budget counts it.
type Class string

// The classes.
const (
	// Login: one attempt with a password or a refresh token of the classic client.
	Login Class = "login"
	// Renewal of tokens, without a password.
	Renewal Class = "renewal"
	// Register: a device id was given.
	Register Class = "register"
	// List of vehicles.
	List Class = "list"
	// Read of the cloud's copy, of a position or of history.
	Read Class = "read"
	// Wake: a car was woken.
	Wake Class = "wake"
)

func (c *Cloud) count(class Class) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[class]++
}

// Calls is how many calls of a class were answered.
func (c *Cloud) Calls(class Class) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[class]
}

// Wakes is how many times a car was woken.
func (c *Cloud) Wakes(carID string) int {
	if car := c.find(carID); car != nil {
		return car.wakes()
	}
	return 0
}

// ExpireTokens ends every token of the vehicle API now; those of the account
// API stay good for renewals.
func (c *Cloud) ExpireTokens() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.tokens)
}

// RevokeSessions ends every token, also those for renewals.
func (c *Cloud) RevokeSessions() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.tokens)
	clear(c.sets)
}

// DropDevices forgets every device id, as the real cloud does now and then.
func (c *Cloud) DropDevices() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.devices)
}

// SetDown makes the vehicle API answer every call that needs a token with an
// outage, or no longer.
func (c *Cloud) SetDown(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = down
}

// SetSilent makes a car ignore wakes, or no longer.
func (c *Cloud) SetSilent(carID string, silent bool) {
	if car := c.find(carID); car != nil {
		car.setSilent(silent)
	}
}

func (c *Cloud) find(carID string) *liveCar {
	for _, a := range c.accounts {
		for _, car := range a.cars {
			if car.ID == carID {
				return car
			}
		}
	}
	return nil
}
