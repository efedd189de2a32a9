package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// preset is the word for a schedule.
func (s Schedule) preset() string {
	switch s {
	case Schedule{}:
		return shared.PresetOff
	case RecommendedSchedule():
		return shared.PresetRecommended
	}
	return shared.PresetCustom
}

// changed is what becomes of a schedule by a word of SetSchedule's: the form of the settings,
// or only what of it becomes another. nil: the settings are in force again.
func (s Schedule) changed(by json.RawMessage) (*Schedule, error) {
	if len(bytes.TrimSpace(by)) == 0 {
		return nil, nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(by, &members) == nil && members["change"] != nil {
		if len(members) > 1 {
			return nil, errors.New(`schedule: beside "change" there is nothing else`)
		}
		merged, err := s.merged(members["change"])
		if err != nil {
			return nil, err
		}
		by = merged
	}

	to := &Schedule{}
	if err := json.Unmarshal(by, to); err != nil {
		return nil, err
	}
	return to, nil
}

// merged is the schedule as JSON with some members that are others; null takes one away.
func (s Schedule) merged(change json.RawMessage) (json.RawMessage, error) {
	var others, all map[string]json.RawMessage
	if err := json.Unmarshal(change, &others); err != nil || len(others) == 0 {
		return nil, errors.New(`schedule: "change" is no object with the members that become others`)
	}
	now, err := json.Marshal(s)
	if err == nil {
		err = json.Unmarshal(now, &all)
	}
	if err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}

	for name, value := range others {
		if string(bytes.TrimSpace(value)) == "null" {
			delete(all, name)
			continue
		}
		all[name] = value
	}
	return json.Marshal(all)
}
