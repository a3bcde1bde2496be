// Prints a saved response as a program built on the Go SDK does: print TYPE FILE.json
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/cce/v3/model"
)

func main() {
	var response interface{}
	switch os.Args[1] {
	case "ListAutopilotPreCheckTasksResponse":
		response = &model.ListAutopilotPreCheckTasksResponse{}
	case "CreateAutopilotPreCheckResponse":
		response = &model.CreateAutopilotPreCheckResponse{}
	default:
		response = &model.ShowAutopilotPreCheckResponse{}
	}
	data, err := os.ReadFile(os.Args[2])
	if err == nil {
		err = json.Unmarshal(data, response)
	}
	if err != nil {
		panic(err)
	}
	fmt.Printf("%+v\n", response)
}
