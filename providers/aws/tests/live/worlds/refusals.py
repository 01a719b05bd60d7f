"""Makes the cases of refusals.json in MiniStack, and the call of each with the principal's own keys.

Usage: refusals.py ENDPOINT < refusals.json. Prints a list: who asked for what on what, and how the server answered.
"""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = sys.argv[1]
REGION = "eu-west-1"
ACCOUNT = "000000000000"
CONFIG = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
CASES = json.load(sys.stdin)


def client(service, keys=("test", "test", None)):
    key, secret, token = keys
    return boto3.client(
        service,
        endpoint_url=ENDPOINT,
        region_name=REGION,
        config=CONFIG,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
    )


IAM, S3, SQS, SNS = client("iam"), client("s3"), client("sqs"), client("sns")
KMS, SECRETS, TABLES = client("kms"), client("secretsmanager"), client("dynamodb")


def policy(statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})



class Bucket:
    def make(self, name):
        self.name = name
        S3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        S3.put_object(Bucket=name, Key="a.txt", Body=b"a")
        return f"arn:aws:s3:::{name}"

    def protect(self, text):
        S3.put_bucket_policy(Bucket=self.name, Policy=text)


class Queue:
    def make(self, name):
        self.url = SQS.create_queue(QueueName=name)["QueueUrl"]
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"

    def protect(self, text):
        SQS.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": text})


class Topic:
    def make(self, name):
        self.arn = SNS.create_topic(Name=name)["TopicArn"]
        return self.arn

    def protect(self, text):
        SNS.set_topic_attributes(TopicArn=self.arn, AttributeName="Policy", AttributeValue=text)


class Secret:
    def make(self, name):
        self.arn = SECRETS.create_secret(Name=name, SecretString="of the test")["ARN"]
        return self.arn

    def protect(self, text):
        SECRETS.put_resource_policy(SecretId=self.arn, ResourcePolicy=text)


class Key:
    def make(self, name):
        self.arn = KMS.create_key(Description=name)["KeyMetadata"]["Arn"]
        return self.arn

    def protect(self, text):
        KMS.put_key_policy(KeyId=self.arn, PolicyName="default", Policy=text)


class Table:
    def make(self, name):
        attribute = {"AttributeName": "id", "AttributeType": "S"}
        TABLES.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[attribute],
            BillingMode="PAY_PER_REQUEST",
        )
        return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"


class Role:
    def make(self, name):
        self.name = f"{name}-role"
        IAM.create_role(RoleName=self.name, AssumeRolePolicyDocument=policy(trusted()))
        return f"arn:aws:iam::{ACCOUNT}:role/{self.name}"

    def protect(self, text):
        IAM.update_assume_role_policy(RoleName=self.name, PolicyDocument=text)


class User:
    def make(self, name):
        IAM.create_user(UserName=f"{name}-other")
        return f"arn:aws:iam::{ACCOUNT}:user/{name}-other"


MAKERS = {
    "bucket": Bucket, "queue": Queue, "topic": Topic, "secret": Secret,
    "key": Key, "table": Table, "role": Role, "user": User,
}


def trusted():
    return [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}]


def last(arn):
    return arn.rsplit(":", 1)[-1].rsplit("/", 1)[-1]


def url(arn):
    return f"{ENDPOINT}/{ACCOUNT}/{last(arn)}"


# What each action is called with; and where the resource asked about is not the one made, its ARN.
CALLS = {
    "s3:GetObject": lambda keys, it: client("s3", keys).get_object(Bucket=last(it), Key="a.txt"),
    "s3:PutObject": lambda keys, it: client("s3", keys).put_object(Bucket=last(it), Key="a.txt", Body=b"b"),
    "s3:DeleteObject": lambda keys, it: client("s3", keys).delete_object(Bucket=last(it), Key="a.txt"),
    "s3:ListBucket": lambda keys, it: client("s3", keys).list_objects_v2(Bucket=last(it)),
    "s3:GetBucketPolicy": lambda keys, it: client("s3", keys).get_bucket_policy(Bucket=last(it)),
    "sqs:SendMessage": lambda keys, it: client("sqs", keys).send_message(QueueUrl=url(it), MessageBody="a"),
    "sqs:PurgeQueue": lambda keys, it: client("sqs", keys).purge_queue(QueueUrl=url(it)),
    "sns:Publish": lambda keys, it: client("sns", keys).publish(TopicArn=it, Message="a"),
    "secretsmanager:GetSecretValue": lambda keys, it: client("secretsmanager", keys).get_secret_value(SecretId=it),
    "kms:Encrypt": lambda keys, it: client("kms", keys).encrypt(KeyId=it, Plaintext=b"a"),
    "dynamodb:GetItem": lambda keys, it: client("dynamodb", keys).get_item(TableName=last(it), Key={"id": {"S": "a"}}),
    "dynamodb:PutItem": lambda keys, it: client("dynamodb", keys).put_item(TableName=last(it), Item={"id": {"S": "a"}}),
    "sts:AssumeRole": lambda keys, it: client("sts", keys).assume_role(RoleArn=it, RoleSessionName="case"),
    "iam:GetUser": lambda keys, it: client("iam", keys).get_user(UserName=last(it)),
    "iam:DeleteUser": lambda keys, it: client("iam", keys).delete_user(UserName=last(it)),
}
OBJECTS = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")


class Principal:
    """A user, or a role that is assumed, with everything that a case attaches to it."""

    def __init__(self, name, case):
        self.name, self.case = name, case
        self.kind = "role" if "role" in case else "user"
        self.wanted = case[self.kind]
        self.arn = f"arn:aws:iam::{ACCOUNT}:{self.kind}/{name}"
        tags = [{"Key": key, "Value": value} for key, value in self.wanted.get("tags", {}).items()]
        if self.kind == "role":
            IAM.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trusted()), Tags=tags)
        else:
            IAM.create_user(UserName=name, Tags=tags)

    def attach(self, fill):
        name = self.name
        user = self.kind == "user"
        if statements := self.wanted.get("inline"):
            if user:
                IAM.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=fill(statements))
            else:
                IAM.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=fill(statements))
        if statements := self.wanted.get("managed"):
            arn = IAM.create_policy(PolicyName=f"{name}-managed", PolicyDocument=fill(statements))["Policy"]["Arn"]
            if user:
                IAM.attach_user_policy(UserName=name, PolicyArn=arn)
            else:
                IAM.attach_role_policy(RoleName=name, PolicyArn=arn)
        if statements := self.wanted.get("group"):
            IAM.create_group(GroupName=name)
            IAM.put_group_policy(GroupName=name, PolicyName="shared", PolicyDocument=fill(statements))
            IAM.add_user_to_group(GroupName=name, UserName=name)
        if statements := self.wanted.get("boundary"):
            arn = IAM.create_policy(PolicyName=f"{name}-boundary", PolicyDocument=fill(statements))["Policy"]["Arn"]
            if user:
                IAM.put_user_permissions_boundary(UserName=name, PermissionsBoundary=arn)
            else:
                IAM.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=arn)

    def keys(self, fill):
        """Its own keys, and the ARN as which it asks with them."""
        if self.kind == "user":
            made = IAM.create_access_key(UserName=self.name)["AccessKey"]
            return (made["AccessKeyId"], made["SecretAccessKey"], None), self.arn
        session = {"Policy": fill(self.wanted["session"])} if "session" in self.wanted else {}
        given = client("sts").assume_role(RoleArn=self.arn, RoleSessionName="case", **session)
        keys = given["Credentials"]
        return (keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]), given["AssumedRoleUser"]["Arn"]


def play(number, case):
    name = f"case-{number}"
    thing = MAKERS[case["on"]]()
    it = thing.make(name)
    principal = Principal(name, case)

    def fill(statements):
        return policy(statements).replace("$IT", it).replace("$ME", principal.arn).replace("$ACCOUNT", ACCOUNT)

    principal.attach(fill)
    if "policy" in case:
        thing.protect(fill(case["policy"]))
    keys, asks = principal.keys(fill)
    action = case["call"]
    told = {"principal": asks, "action": action, "resource": f"{it}/a.txt" if action in OBJECTS else it}
    try:
        CALLS[action](keys, it)
        return {**told, "status": 200, "said": ""}
    except ClientError as error:
        return {**told, "status": error.response["ResponseMetadata"]["HTTPStatusCode"], "said": str(error)}


print(json.dumps([play(number, case) for number, case in enumerate(CASES)]))
