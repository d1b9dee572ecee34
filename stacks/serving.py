"""The serving stack: the champion behind a real-time endpoint."""

from __future__ import annotations

from aws_cdk import CfnCondition, CfnOutput, CfnParameter, Environment, Fn, RemovalPolicy, Stack
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from stacks.settings import Settings
from stacks.training import TrainingStack


class ServingStack(Stack):
    """Serves the model package that the champion parameter names; nothing while it names none."""

    def __init__(self, scope: Construct, settings: Settings, *, training: TrainingStack) -> None:
        """Build the endpoint of `settings`' environment."""
        super().__init__(
            scope,
            settings.name("serving"),
            env=Environment(account=settings.account, region=settings.region),
            description=f"Nunchi {settings.environment}: the champion's endpoint",
        )
        # By name, not by reference: the parameter's value moves with every promotion.
        self.add_stack_dependency(training)
        champion = CfnParameter(
            self,
            "Champion",
            type="AWS::SSM::Parameter::Value<String>",
            default=settings.champion_parameter,
            description="SSM parameter with the ARN of the model package that serves, or none",
        )
        has_champion = CfnCondition(
            self,
            "HasChampion",
            expression=Fn.condition_not(Fn.condition_equals(champion.value_as_string, "none")),
        )
        # SageMaker would make the log group itself, and keep it for ever.
        log_group = logs.LogGroup(
            self,
            "EndpointLogs",
            log_group_name=f"/aws/sagemaker/Endpoints/{settings.endpoint_name}",
            retention=logs.RetentionDays.SIX_MONTHS,
            removal_policy=RemovalPolicy.DESTROY,
        )
        # Neither the model nor the configuration has a physical name: a new champion replaces both,
        # and updates the endpoint in place.
        model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=training.roles.serve.role_arn,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                model_package_name=champion.value_as_string
            ),
        )
        config = sagemaker.CfnEndpointConfig(
            self,
            "EndpointConfig",
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name="champion",
                    model_name=model.attr_model_name,
                    instance_type=settings.serving.instance_type,
                    initial_instance_count=settings.serving.instance_count,
                    initial_variant_weight=1,
                )
            ],
        )
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=settings.endpoint_name,
            endpoint_config_name=config.attr_endpoint_config_name,
        )
        # Deleted before the endpoint, the group would come back with the endpoint's last line.
        endpoint.node.add_dependency(log_group)
        for resource in (model, config, endpoint):
            resource.cfn_options.condition = has_champion
        CfnOutput(self, "EndpointName", value=settings.endpoint_name)
