"""A small company in moto: an organization, two accounts, and something of everything that iam-why reads.

Usage: company.py ENDPOINT. Prints what the tests need to know as JSON.
"""

import json
import sys

import boto3

ENDPOINT = sys.argv[1]
REGION = "eu-west-1"
HOME = "123456789012"


def client(service, keys=("AKIASETUPSETUPSETUP0", "setup", None), region=REGION):
    key, secret, token = keys
    return boto3.client(
        service,
        endpoint_url=ENDPOINT,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
    )


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def statement(sid, effect, action, resource="*", **more):
    return {"Sid": sid, "Effect": effect, "Action": action, "Resource": resource, **more}


TRUST = policy({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})


def organization():
    organizations = client("organizations", region="us-east-1")
    organizations.create_organization(FeatureSet="ALL")
    root = organizations.list_roots()["Roots"][0]["Id"]
    for kind in ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"):
        try:
            organizations.enable_policy_type(RootId=root, PolicyType=kind)
        except Exception as error:  # moto enables some of them by itself
            print(f"{kind}: {error}", file=sys.stderr)
    unit = organizations.create_organizational_unit(ParentId=root, Name="prod")["OrganizationalUnit"]["Id"]
    member = organizations.create_account(AccountName="member", Email="member@example.com")["CreateAccountStatus"]["AccountId"]
    organizations.move_account(AccountId=member, SourceParentId=root, DestinationParentId=unit)
    eu = {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]}}
    scp = organizations.create_policy(
        Name="Europe only",
        Description="",
        Type="SERVICE_CONTROL_POLICY",
        Content=policy(statement("DenyOutsideEurope", "Deny", "*", Condition=eu)),
    )["Policy"]["PolicySummary"]["Id"]
    organizations.attach_policy(PolicyId=scp, TargetId=unit)
    return root, unit, member, scp


def of_member(member):
    role = f"arn:aws:iam::{member}:role/iam-why-reader"
    given = client("sts").assume_role(RoleArn=role, RoleSessionName="setup")["Credentials"]
    return (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def roles(keys, account):
    iam = client("iam", keys)
    boundary = iam.create_policy(
        PolicyName="boundary", PolicyDocument=policy(statement("Bounded", "Allow", ["s3:*", "sqs:*", "kms:*", "sns:*"]))
    )["Policy"]["Arn"]
    managed = iam.create_policy(
        PolicyName="queues", PolicyDocument=policy(statement("Queues", "Allow", "sqs:SendMessage"))
    )["Policy"]["Arn"]
    iam.create_role(
        RoleName="app",
        Path="/team/",
        AssumeRolePolicyDocument=TRUST,
        PermissionsBoundary=boundary,
        Tags=[{"Key": "team", "Value": "blue"}],
    )
    iam.attach_role_policy(RoleName="app", PolicyArn=managed)
    iam.put_role_policy(
        RoleName="app",
        PolicyName="reports",
        PolicyDocument=policy(statement("ReadReports", "Allow", "s3:GetObject", f"arn:aws:s3:::reports-{account}/2026/*")),
    )
    return {"app": f"arn:aws:iam::{account}:role/team/app", "boundary": boundary, "queues": managed}


def users(keys):
    iam = client("iam", keys)
    iam.create_group(GroupName="analysts")
    iam.put_group_policy(
        GroupName="analysts", PolicyName="list", PolicyDocument=policy(statement("List", "Allow", "s3:ListBucket"))
    )
    iam.create_user(UserName="ana")
    iam.add_user_to_group(GroupName="analysts", UserName="ana")
    iam.put_user_policy(
        UserName="ana", PolicyName="own", PolicyDocument=policy(statement("Own", "Allow", "s3:GetObject", "arn:aws:s3:::own/*"))
    )
    made = iam.create_access_key(UserName="ana")["AccessKey"]
    return {"ana": f"arn:aws:iam::{HOME}:user/ana", "ana_key": made["AccessKeyId"], "ana_secret": made["SecretAccessKey"]}


def storage(keys, account):
    kms = client("kms", keys)
    key = kms.create_key(
        Policy=policy(
            {
                "Sid": "Root",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                "Action": "kms:*",
                "Resource": "*",
            }
        )
    )["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/reports", TargetKeyId=key)
    s3 = client("s3", keys)
    bucket = f"reports-{account}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_policy(
        Bucket=bucket,
        Policy=policy(
            statement(
                "DenySecret", "Deny", "s3:GetObject", f"arn:aws:s3:::{bucket}/2026/secret/*", Principal="*"
            )
        ),
    )
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    s3.put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    )
    s3.put_object(Bucket=bucket, Key="2026/a.csv", Body=b"a", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    s3.create_bucket(Bucket=f"plain-{account}", CreateBucketConfiguration={"LocationConstraint": REGION})
    return {"bucket": f"arn:aws:s3:::{bucket}", "plain": f"arn:aws:s3:::plain-{account}", "key": key}


def services(keys, account):
    owner = {"AWS": f"arn:aws:iam::{account}:root"}
    sqs = client("sqs", keys)
    queue = f"arn:aws:sqs:{REGION}:{account}:jobs"
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    sqs.set_queue_attributes(
        QueueUrl=url, Attributes={"Policy": policy(statement("Send", "Allow", "sqs:SendMessage", queue, Principal=owner))}
    )
    sns = client("sns", keys)
    topic = sns.create_topic(Name="news")["TopicArn"]
    secrets = client("secretsmanager", keys)
    secret = secrets.create_secret(Name="token", SecretString="not read")["ARN"]
    secrets.put_resource_policy(
        SecretId=secret,
        ResourcePolicy=policy(statement("Read", "Allow", "secretsmanager:GetSecretValue", "*", Principal=owner)),
    )
    dynamodb = client("dynamodb", keys)
    table = dynamodb.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )["TableDescription"]["TableArn"]
    ecr = client("ecr", keys)
    repository = ecr.create_repository(repositoryName="app")["repository"]["repositoryArn"]
    ecr.set_repository_policy(
        repositoryName="app",
        policyText=policy({"Sid": "Pull", "Effect": "Allow", "Principal": owner, "Action": "ecr:BatchGetImage"}),
    )
    return {"queue": queue, "topic": topic, "secret": secret, "table": table, "repository": repository}


def main():
    root, unit, member, scp = organization()
    home_keys = ("AKIASETUPSETUPSETUP0", "setup", None)
    member_keys = of_member(member)
    told = {"home": HOME, "member": member, "root": root, "unit": unit, "scp": scp, "member_keys": member_keys}
    for name, account, keys in (("in_home", HOME, home_keys), ("in_member", member, member_keys)):
        told[name] = {**roles(keys, account), **storage(keys, account), **services(keys, account)}
    told.update(users(home_keys))
    endpoint = client("ec2", home_keys)
    vpc = endpoint.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    made = endpoint.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName=f"com.amazonaws.{REGION}.s3",
        PolicyDocument=policy(statement("Through", "Allow", "s3:*", "*", Principal="*")),
    )
    told["endpoint"] = made["VpcEndpoint"]["VpcEndpointId"]
    print(json.dumps(told))


main()
