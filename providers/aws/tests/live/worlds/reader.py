"""A user in MiniStack who has one policy and nothing else.

Usage: reader.py ENDPOINT < POLICY. Prints the user's keys.
"""

import json
import sys

import boto3

iam = boto3.client(
    "iam", endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
)
iam.create_user(UserName="reader")
iam.put_user_policy(UserName="reader", PolicyName="least", PolicyDocument=sys.stdin.read())
made = iam.create_access_key(UserName="reader")["AccessKey"]
print(json.dumps({"key": made["AccessKeyId"], "secret": made["SecretAccessKey"]}))
