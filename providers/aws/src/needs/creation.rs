//! What creating something needs besides: to tag it, to hand it a role, to create a service-linked role (C-19, IAM-1, IAM-2).

use super::{Need, given, gives_under, need, unnamed, untold};
use crate::catalog;
use crate::decide::decide;
use crate::documents::ROLE;
use crate::library::{Library, Read};
use crate::request::Request;
use crate::world::World;
use iam_why_contract::{Decision, Doubt};

/// An action that creates something, or how the names of such actions begin; the action that tags it; the key by which a policy tells
/// tagging at creation from tagging later, where the service has one.
///
/// Only what a service documents stands here: *Grant permission to tag Amazon EC2 resources during creation*, *Grant permission to tag
/// resources on creation* (ECS), *API permissions to tag resources during creation* (Elastic Load Balancing), the dependent actions of the
/// Service Authorization Reference (EFS, RDS, EKS, ECR, SageMaker), *Tagging IAM resources*, and `Tags` in the API references of KMS,
/// Secrets Manager, SQS, SNS, Systems Manager and CloudWatch Logs. Of Lambda and IAM it is known from AWS's messages.
const TAGGING: &[(&str, &str, &str)] = &[
    ("ec2:allocate", "ec2:CreateTags", "ec2:CreateAction"),
    ("ec2:copy", "ec2:CreateTags", "ec2:CreateAction"),
    ("ec2:create", "ec2:CreateTags", "ec2:CreateAction"),
    ("ec2:import", "ec2:CreateTags", "ec2:CreateAction"),
    ("ec2:register", "ec2:CreateTags", "ec2:CreateAction"),
    ("ec2:request", "ec2:CreateTags", "ec2:CreateAction"),
    ("ec2:run", "ec2:CreateTags", "ec2:CreateAction"),
    ("ecr:createrepository", "ecr:TagResource", ""),
    ("ecs:create", "ecs:TagResource", "ecs:CreateAction"),
    ("ecs:register", "ecs:TagResource", "ecs:CreateAction"),
    ("ecs:runtask", "ecs:TagResource", "ecs:CreateAction"),
    ("ecs:starttask", "ecs:TagResource", "ecs:CreateAction"),
    ("eks:create", "eks:TagResource", ""),
    ("elasticfilesystem:create", "elasticfilesystem:TagResource", "elasticfilesystem:CreateAction"),
    ("elasticloadbalancing:create", "elasticloadbalancing:AddTags", "elasticloadbalancing:CreateAction"),
    ("iam:createinstanceprofile", "iam:TagInstanceProfile", ""),
    ("iam:createopenidconnectprovider", "iam:TagOpenIDConnectProvider", ""),
    ("iam:createpolicy", "iam:TagPolicy", ""),
    ("iam:createrole", "iam:TagRole", ""),
    ("iam:createsamlprovider", "iam:TagSAMLProvider", ""),
    ("iam:createuser", "iam:TagUser", ""),
    ("kms:createkey", "kms:TagResource", ""),
    ("lambda:createfunction", "lambda:TagResource", ""),
    ("logs:createloggroup", "logs:TagResource", ""),
    ("rds:create", "rds:AddTagsToResource", ""),
    ("sagemaker:create", "sagemaker:AddTags", ""),
    ("secretsmanager:createsecret", "secretsmanager:TagResource", ""),
    ("sns:createtopic", "sns:TagResource", ""),
    ("sqs:createqueue", "sqs:TagQueue", ""),
    ("ssm:putparameter", "ssm:AddTagsToResource", ""),
];

/// Tags that are set at creation need the permission to tag.
pub(super) fn tags(request: &Request) -> Option<Need> {
    if !gives_under(request, "aws:RequestTag/") && !gives_under(request, "aws:TagKeys") {
        return None;
    }
    let (_, tags, told_by) = TAGGING.iter().find(|(creates, ..)| request.action.lower.starts_with(creates))?;
    if ["createtags", "createpolicyversion"].contains(&request.action.name()) {
        return None;
    }
    let because = "the request sets tags";
    // What has no ARN before it exists is tagged under one that nobody can name.
    let mut tagging = if request.without_resource() {
        let doubt = Doubt {
            about: format!("which ARN {tags} is checked against: that of what {} creates", request.action.text),
            needs: format!("the new resource's ARN, or {tags} asked about by itself"),
        };
        unnamed(request, tags, because, doubt)
    } else {
        need(request.also(tags, &request.resource), because)
    };
    if !told_by.is_empty() {
        let name = catalog::action(&request.action.text).map_or_else(|| request.action.name().to_owned(), |action| action.name.to_owned());
        tagging.request.context = tagging.request.context.with(told_by, [name]);
    }
    Some(tagging)
}

/// Actions that cannot do without a role, and the service that is to take it (the required members of their API references).
const TAKES_ROLE: &[(&str, &str)] = &[
    ("backup:createbackupselection", "backup.amazonaws.com"),
    ("codebuild:createproject", "codebuild.amazonaws.com"),
    ("codedeploy:createdeploymentgroup", "codedeploy.amazonaws.com"),
    ("codepipeline:createpipeline", "codepipeline.amazonaws.com"),
    ("eks:createcluster", "eks.amazonaws.com"),
    ("glue:createcrawler", "glue.amazonaws.com"),
    ("glue:createjob", "glue.amazonaws.com"),
    ("lambda:createfunction", "lambda.amazonaws.com"),
    ("pipes:createpipe", "pipes.amazonaws.com"),
    ("s3:putreplicationconfiguration", "s3.amazonaws.com"),
    ("sagemaker:createnotebookinstance", "sagemaker.amazonaws.com"),
    ("sagemaker:createtrainingjob", "sagemaker.amazonaws.com"),
    ("scheduler:createschedule", "scheduler.amazonaws.com"),
    ("states:createstatemachine", "states.amazonaws.com"),
];

/// IAM-1: a call that stores a role for a service to use passes it: `passed-role` in the context names it.
pub(super) fn passed_role(request: &Request) -> Option<Need> {
    let because = "the call hands a role to a service";
    let service = TAKES_ROLE.iter().find(|(action, _)| *action == &*request.action.lower).map(|(_, service)| *service);
    let mut passing = match given(request, "passed-role") {
        Some(role) => need(request.also("iam:PassRole", role), because),
        None if service.is_some() && untold(request, "passed-role") => {
            let doubt = Doubt {
                about: format!("which role {} hands over, which iam:PassRole has to allow", request.action.text),
                needs: "--context passed-role=ROLE-ARN".to_owned(),
            };
            unnamed(request, "iam:PassRole", because, doubt)
        }
        None => return None,
    };
    if let Some(service) = service.filter(|_| given(request, "iam:PassedToService").is_none()) {
        passing.request.context = passing.request.context.with("iam:PassedToService", [service]);
    }
    Some(passing)
}

/// Actions whose first use in an account creates a service-linked role (*Using service-linked roles* of each service).
const FIRST_USE: &[(&str, &str, &str)] = &[
    ("access-analyzer:createanalyzer", "access-analyzer.amazonaws.com", "AWSServiceRoleForAccessAnalyzer"),
    ("autoscaling:createautoscalinggroup", "autoscaling.amazonaws.com", "AWSServiceRoleForAutoScaling"),
    ("batch:createcomputeenvironment", "batch.amazonaws.com", "AWSServiceRoleForBatch"),
    ("ec2:createfleet", "ec2fleet.amazonaws.com", "AWSServiceRoleForEC2Fleet"),
    ("ec2:createtransitgateway", "transitgateway.amazonaws.com", "AWSServiceRoleForVPCTransitGateway"),
    ("ec2:requestspotfleet", "spotfleet.amazonaws.com", "AWSServiceRoleForEC2SpotFleet"),
    ("ec2:requestspotinstances", "spot.amazonaws.com", "AWSServiceRoleForEC2Spot"),
    ("ecs:createcluster", "ecs.amazonaws.com", "AWSServiceRoleForECS"),
    ("eks:createcluster", "eks.amazonaws.com", "AWSServiceRoleForAmazonEKS"),
    ("eks:createnodegroup", "eks-nodegroup.amazonaws.com", "AWSServiceRoleForAmazonEKSNodegroup"),
    ("elasticache:createcachecluster", "elasticache.amazonaws.com", "AWSServiceRoleForElastiCache"),
    ("elasticache:createreplicationgroup", "elasticache.amazonaws.com", "AWSServiceRoleForElastiCache"),
    ("elasticloadbalancing:createloadbalancer", "elasticloadbalancing.amazonaws.com", "AWSServiceRoleForElasticLoadBalancing"),
    ("guardduty:createdetector", "guardduty.amazonaws.com", "AWSServiceRoleForAmazonGuardDuty"),
    ("rds:createdbcluster", "rds.amazonaws.com", "AWSServiceRoleForRDS"),
    ("rds:createdbinstance", "rds.amazonaws.com", "AWSServiceRoleForRDS"),
];

/// IAM-2: the role is known not to exist.
pub(super) fn service_linked_role(request: &Request, library: &Library<'_>) -> Option<Need> {
    let (creating, name) = creates_role(request)?;
    matches!(library.read(ROLE, &creating.resource), Read::Absent)
        .then(|| need(creating, format!("the account has no role {name} yet, and the first use of the service creates it")))
}

/// IAM-2, where it is not known whether the role exists: most accounts have it, so this is a note and no doubt.
#[must_use]
pub fn first_use(request: &Request, library: &Library<'_>) -> Option<String> {
    let (creating, name) = creates_role(request)?;
    let open = matches!(library.read(ROLE, &creating.resource), Read::Unread(_));
    let may = || decide(&creating, &World::of(&creating, library)).decision == Decision::Allow;
    (open && !may()).then(|| {
        format!(
            "if the account has no role {name} yet, the call creates it, which the caller may not: iam:CreateServiceLinkedRole on {}",
            creating.resource
        )
    })
}

fn creates_role(request: &Request) -> Option<(Request, &'static str)> {
    let (_, service, name) = FIRST_USE.iter().find(|(action, ..)| *action == &*request.action.lower)?;
    let (caller, account) = (&request.caller, request.caller.account.as_deref()?);
    let role = format!("arn:{}:iam::{account}:role/aws-service-role/{service}/{name}", caller.partition);
    let mut creating = request.also("iam:CreateServiceLinkedRole", &role);
    creating.context = creating.context.with("iam:AWSServiceName", [*service]);
    Some((creating, name))
}
