package profile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// Override returns p with the values that body, a user's JSON object, replaces.
// The object names version, region and brand, which have to be p's own but for
// the version. Errors name the key and quote no value.
func (p Profile) Override(body json.RawMessage) (Profile, error) {
	var head struct {
		Version *int    `json:"version"`
		Region  *string `json:"region"`
		Brand   *Brand  `json:"brand"`
	}
	// What is wrong with the rest is said below.
	if err := json.Unmarshal(body, &head); err != nil {
		return Profile{}, readable(err)
	}
	for _, part := range []struct {
		key     string
		missing bool
	}{{"version", head.Version == nil}, {"region", head.Region == nil}, {"brand", head.Brand == nil}} {
		if part.missing {
			return Profile{}, fmt.Errorf("%s is missing", part.key)
		}
	}
	switch {
	case *head.Region != p.Region:
		return Profile{}, fmt.Errorf("region is not %s", p.Region)
	case *head.Brand != p.Brand:
		return Profile{}, fmt.Errorf("brand is not %s, which the account has", p.Brand)
	}
	return parse(p, body)
}

// parse reads body over what base has, strictly, and checks the whole.
func parse(base Profile, body []byte) (Profile, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&base); err != nil {
		return Profile{}, readable(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Profile{}, errors.New("there is something behind the object")
	}
	if err := base.check(); err != nil {
		return Profile{}, err
	}
	return base, nil
}

// readable says what a user can do something about. The decoder's own texts may
// quote values.
func readable(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		want := "of the expected kind"
		switch wrong.Type.Kind() {
		case reflect.String:
			want = "a text"
		case reflect.Int:
			want = "a whole number"
		case reflect.Bool:
			want = "true or false"
		case reflect.Struct:
			want = "an object"
		default:
		}
		return fmt.Errorf("%s is not %s", wrong.Field, want)
	}
	if _, name, ok := strings.Cut(err.Error(), "unknown field "); ok {
		return fmt.Errorf("there is no key %.50s", name)
	}
	return errors.New("it is no JSON object of the expected form")
}
