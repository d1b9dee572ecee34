"""Tags, of whatever SageMaker has here."""

from localaws.api import Json, invalid, operation
from localaws.resources import by_arn

MOST = 50


@operation("AddTags", "ResourceArn Tags Key Value")
def _add_tags(request: Json) -> Json:
    record = by_arn(request["ResourceArn"])
    new = {tag["Key"]: tag for tag in [*record.get("Tags", []), *request["Tags"]]}
    if len(new) > MOST:
        raise invalid(f"{request['ResourceArn']} would have {len(new)} tags; {MOST} are the most")
    record["Tags"] = list(new.values())
    return record


@operation("ListTags", "ResourceArn")
def _list_tags(request: Json) -> Json:
    return {"Tags": by_arn(request["ResourceArn"]).get("Tags", [])}


@operation("DeleteTags", "ResourceArn TagKeys")
def _delete_tags(request: Json) -> None:
    record = by_arn(request["ResourceArn"])
    record["Tags"] = [tag for tag in record.get("Tags", []) if tag["Key"] not in request["TagKeys"]]
