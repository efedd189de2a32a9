package cloudsim

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

// addOutage begins or ends an outage of a script's. They may overlap.
func (c *Cloud) addOutage(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.outages += n
}

// dayQuota is how many calls an account has a day: the least of what is set.
// Called with mu held.
func (c *Cloud) dayQuota() int {
	least := c.quota
	for _, q := range c.quotas {
		if least <= 0 || *q < least {
			least = *q
		}
	}
	return least
}

// SetQuota is how many calls of the vehicle API an account has a day; zero:
// unlimited. What was used today stays used.
func (c *Cloud) SetQuota(calls int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.quota = calls
}

// SetSilent makes a car, by its id or name, ignore wakes, or no longer.
func (c *Cloud) SetSilent(car string, silent bool) {
	if car := c.find(car); car != nil {
		car.setSilent(silent, c.now())
	}
}
