"""The lab's traffic: light processes that send, receive and count. One a workload, so none imports anything heavy."""
