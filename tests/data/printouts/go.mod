module printouts

go 1.21

require github.com/huaweicloud/huaweicloud-sdk-go-v3 v0.1.207
